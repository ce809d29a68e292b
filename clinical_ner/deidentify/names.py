r"""What the names of people look like: by the words around them, and by lists of frequent names.

Patterns are of the ``regex`` package, case-sensitive unless they say otherwise; ``\K`` leaves in the text what stands before
it. Every repetition is bounded, so that no text takes long.
"""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import regex  # type: ignore[import-untyped]

_PARTICLE = r"(?:(?:van|von|de|del|della|di|da|dos|du|la|le|bin|ibn|al|el|ter|den|der)[ -])"
_CAPITALISED = r"(?:(?:Mc|Mac|O['\u2019]|D['\u2019]|St\. )?\p{Lu}[\p{Ll}\u2019']{1,24}(?:-\p{Lu}\p{Ll}{1,24}){0,2})"
_UPPER = r"(?:(?:O['\u2019]|D['\u2019])?\p{Lu}{2,20}(?:-\p{Lu}{2,20}){0,2})"
_INITIAL = r"(?:\p{Lu}\.(?:-?\p{Lu}\.){0,3})"
_WORD = rf"(?:{_PARTICLE}{{0,2}}(?:{_CAPITALISED}|{_UPPER}))"
_ANY_NAME = rf"(?:(?:{_WORD}|{_INITIAL}|\p{{Lu}}\b)(?:(?:[ ]|,[ ]?)(?:{_WORD}|{_INITIAL}|\p{{Lu}}\b)){{0,3}})"
_FULL_NAME = rf"(?:(?:{_WORD}|{_INITIAL})(?:[ ](?:{_WORD}|{_INITIAL}|\p{{Lu}}\b)){{1,3}})"

# Words that a name pattern would take for names: they begin sentences and lines, or head fields.
_NOT_A_NAME = (
    r"(?!(?:Dr|Drs|Mr|Mrs|Ms|Mx|Miss|Prof|Doctor|Professor|Nurse|Sister|The|This|That|These|She|He|They|Her|His|It|We|No|Not|Pt|Patient|With|On|In|At|For|From|And|Or|Has|Had|Is|"
    r"Was|Will|Who|"
    r"Now|Seen|Discharge|Admission|History|Assessment|Plan|Impression|Allergies|Medications?|Diagnos[ei]s|Service|"
    r"Clinic|Ward|"
    r"Unit|Hospital|Department|Date|Phone|Tel|Fax|Address|Age|Sex|Male|Female|None|Unknown|MRN|DOB|NHS|SSN|ID|MD|RN|"
    r"Follow|Follow-up|"
    r"Consult|Review|Notes?|Report|Presented|Presents|Reports|Denies|Complains|Stable|Improved|Continue|Start|Stop)\b)"
)
_TITLE = (
    r"(?:(?i:drs?|mr|mrs|ms|mx|prof|rev|capt|sgt)\.?|(?i:miss|doctor|professor|nurse|sister|matron|reverend|father|"
    r"sir|dame|judge)|"
    r"Herr|Frau|Señora?|Sra?\.|Mme|Monsieur|Madame)"
)
_FIELD = (
    r"(?i:patient(?:'s|\u2019s)?(?: full)? name|full name|first name|last name|surname|maiden name|"
    r"name of (?:the )?patient|name|patient|"
    r"pt|client|attending(?: physician)?|(?:referring |primary care |consulting )?(?:physician|provider|clinician|"
    r"doctor)|pcp|gp|"
    r"surgeon|assistant|anesthesiologist|anaesthetist|consultant|resident|registrar|intern|nurse|therapist|pharmacist|"
    r"case manager|"
    r"social worker|interpreter|next of kin|nok|emergency contact|contact(?: person)?|guardian|carer|caregiver|"
    r"informant|spouse|"
    r"partner|author|copy to|to|from|attn|attention|"
    r"(?:electronically )?(?:signed|dictated|transcribed|reviewed|verified|seen|examined|prepared|authored|entered|"
    r"typed|witnessed|"
    r"approved|ordered|referred|performed|recorded|reported)(?: by)?)"
)
_RELATIVE = (
    r"(?i:wife|husband|spouse|partner|fianc[ée]e?|mother|father|mum|mom|dad|parents?|son|daughter|brother|sister|twin|"
    r"aunt|uncle|"
    r"cousin|niece|nephew|grandmother|grandfather|grandson|granddaughter|step(?:son|daughter|mother|father)|"
    r"girlfriend|boyfriend|"
    r"neighbou?r|friend|carer|caregiver|guardian|roommate|landlord|colleague|nurse|midwife|interpreter|social worker|"
    r"named|called|"
    r"known as|goes by|alias|aka|a\.k\.a\.)"
)
_BY = (
    r"(?i:discussed with|spoke (?:with|to)|signed by|seen by|reviewed (?:by|with)|referred (?:by|to)|accompanied by|"
    r"performed by|"
    r"dictated by|consulted with|handed over to|hand-?over (?:from|to)|care of|under|per|paged|called|phoned|informed|"
    r"contacted|"
    r"updated|met with|d/w|f/u with|follow[- ]?up with|appointment with|thank you|dear|regards|sincerely|hi|hello|attn)"
)
_CREDENTIALS = (
    r"(?:M\.?D|D\.?O|R\.?N|N\.?P|P\.?A(?:-C)?|APRN|CRNA|LPN|LCSW|Ph\.?D|Pharm\.?D|R\.?Ph|MBBS|MBChB|MB|BCh|FRCS|FRCP|"
    r"FRCA|MRCP|MRCS|MRCGP|"
    r"FACC|FACS|FACP|DPM|DDS|DMD|OD|MPH|MSc|BSN|MSN|DNP|PT|OT|SLP|RD)"
)
_EPONYM = (
    r"(?!(?:['\u2019]s)?[ -](?:disease|syndrome|sign|test|fracture|palsy|criteria|procedure|operation|catheter|"
    r"tumou?r|lymphoma|sarcoma|"
    r"an[a]?emia|score|scale|classification|thyroiditis|contracture|nodes?|esophagus|oesophagus|ulcer|stain|body|"
    r"bodies|cells?|line|"
    r"splint|drain|tube|pouch|hernia|phenomenon|ataxia|dystrophy|encephalopathy|arteritis|an?eurysm|angle|point|"
    r"reflex|fever|strain|flu|variant|agent|cluster|clade|outbreak|law|method|"
    r"solution|bandage|traction|maneuver|manoeuvre|repair|virus|oil|diet|brace|nail|plate|pin)s?\b)"
)
# Words that notes write with a capital within a sentence, and that make of two capitalised words something else than a name.
_NO_NOTE_WORD = (
    r"(?!(?:Hospital|Clinic|Cent(?:er|re)|Unit|Ward|Department|University|Institute|Society|Association|Network|Foundation|School|"
    r"College|Health|Medical|Medicine|Surgery|Surgical|Care|Service|Team|Nursing|General|Emergency|Intensive|Primary|Physical|"
    r"Occupational|Speech|Therapy|Rehabilitation|Education|Program(?:me)?|Research|Study|Trial|Group|Heart|Kidney|Liver|Lung|Brain|"
    r"Bone|Blood|Breast|Cancer|Stroke|Cardiac|Cardiology|Oncology|Neurology|Diabetes|Mellitus|Type|Stage|Grade|Class|Score|Scale|"
    r"Index|Test|Disease|Syndrome|Disorder|Failure|Infection|Injury|Pain|Fever|Chronic|Acute|Severe|Left|Right|Upper|Lower|Bilateral|"
    r"Vitamin|Day|Week|Month|Year|January|February|March|April|May|June|July|August|September|October|November|December|Monday|"
    r"Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|Dr|Mr|Mrs|Ms|Prof|Street|Road|Avenue|Lane|Drive|New|North|South|East|West|"
    r"Saint|Protocol|Criteria|Guidelines?|Questionnaire|Inventory|Assessment|Examination|Board|Office|Home|Hospice|Pharmacy)\b)"
)
_PLAIN = r"(?:(?:Mc|Mac|O['\u2019]|D['\u2019])?\p{Lu}[\p{Ll}\u2019']{2,24}(?:-\p{Lu}\p{Ll}{1,24})?(?!\w))"
_MICROBE = (
    r"(?!(?:Coli|Aureus|Difficile|Pylori|Influenzae|Pneumoniae|Faecalis|Albicans|Epidermidis|Burgdorferi|Cereus|Tarda)\b)"
)


@cache
def frequent_names(name: str) -> str:
    """The names of a list file, as an alternative of a pattern."""
    lines = files("clinical_ner.deidentify").joinpath(f"{name}.txt").read_text("utf-8").splitlines()
    words = [word.replace("-", "[ -]") for line in lines if not line.startswith("#") for word in line.split()]
    return "|".join(sorted({*words, *(word.upper() for word in words if len(word) > 3 and "[" not in word)}, reverse=True))


def name_patterns() -> dict[str, str]:
    """Patterns of names, by what gives them away."""
    given, surname = frequent_names("given_names"), frequent_names("surnames")
    return {
        "title": rf"\b{_TITLE}\s\K{_NOT_A_NAME}{_ANY_NAME}{_EPONYM}",
        "field": rf"(?m)(?:^|(?<=[\s;|,(])){_FIELD}[ \t]*[:=][ \t]*(?:{_TITLE}[ ])?\K{_NOT_A_NAME}{_ANY_NAME}",
        "lower-case field": r"(?mi)(?:^|(?<=[\s;|]))(?:patient(?:'s|\u2019s)? name|full name|"
        r"name)[ \t]*:[ \t]*\K\p{L}[\p{L}'\u2019. -]{1,40}"
        r"(?=\s*(?:$|[,;|(]))",
        "relative": rf"\b{_RELATIVE}(?:,|\s\(|\s)[ ]?\K{_NOT_A_NAME}(?:{_CAPITALISED})(?:[ ]{_WORD}){{0,2}}{_EPONYM}",
        "within a sentence": rf"(?<=\p{{Ll}}[,:(]{{0,2}}[ ][(]?){_NO_NOTE_WORD}{_PLAIN}(?:[ ](?:{_INITIAL}[ ]|\p{{Lu}}[ ])?"
        rf"{_NO_NOTE_WORD}(?:{_PARTICLE})?{_PLAIN}){{1,2}}(?![ ]?[-/\d]){_EPONYM}",
        "by": rf"\b{_BY},?[ ]\K{_NOT_A_NAME}(?:{_WORD}|{_INITIAL}[ ]?{_WORD})(?:[ ](?:{_WORD}|"
        rf"{_INITIAL})){{0,2}}{_EPONYM}",
        "credentials": rf"\b{_NOT_A_NAME}(?:{_FULL_NAME}|{_WORD},[ ]{_WORD}|{_WORD})(?=,?[ ]{_CREDENTIALS}\b)",
        "signature": rf"(?m)^[ \t]*(?:/s/|[-\u2013\u2014]{{1,2}}|(?i:signed|signature|electronically signed(?: by)?)[:,]?|"
        rf"(?i:(?:kind |best |warm )?regards|sincerely|yours (?:faithfully|sincerely)),?)\s*\K{_NOT_A_NAME}{_FULL_NAME}",
        "given name": rf"\b(?:{given})\b(?:(?:[ ]|-)(?:{_INITIAL}[ ]|"
        rf"\p{{Lu}}[ ])?{_NOT_A_NAME}{_WORD}){{0,2}}(?:['\u2019]s)?{_EPONYM}",
        "surname": rf"\b{_NOT_A_NAME}(?:{_WORD}|{_INITIAL}|\p{{Lu}})[ ]?[ ](?:{surname})\b{_EPONYM}",
        "surname first": rf"\b(?:{_WORD}),[ ]?(?:{given})\b(?:[ ](?:{_INITIAL}|\p{{Lu}}\b))?",
        "listed surname first": rf"\b(?:{surname}),[ ]?{_NOT_A_NAME}(?:{_WORD}|{_INITIAL})(?:[ ](?:{_INITIAL}|"
        rf"\p{{Lu}}\b))?",
        "initials": rf"\b{_INITIAL}[ ]?(?:{_INITIAL}[ ]?)?{_MICROBE}(?:{_PARTICLE})?(?:{_CAPITALISED}){_EPONYM}",
        "age behind": rf"\b{_NOT_A_NAME}{_ANY_NAME}(?=(?:,| is)(?: an?)? \d{{1,3}}[- ]?(?:y(?:ear|r|/?o)|[FM]\b))",
        "honoured age": rf"\b{_NOT_A_NAME}{_FULL_NAME}(?= \((?:age[d]? )?\d{{1,3}}[ ,/]?(?:y|[FM]\b|\)))",
    }


SURE = frozenset(
    {"title", "field", "credentials", "signature", "given name", "surname", "surname first", "listed surname first"}
)
"""Patterns that are right often enough for the words that they find to be the name wherever the note repeats them."""

BY_CAPITALS = frozenset({"initials", "within a sentence"})
"""Patterns without any other sign than capitals."""


def repetition_pattern(names: Iterable[str]) -> str:
    """A pattern of the capitalised words of ``names``, wherever they stand; empty when there are none."""
    words = {word for name in names for word in regex.findall(rf"(?:{_CAPITALISED}|{_UPPER})(?!\w)", name)}
    listed = "|".join(regex.escape(word) for word in sorted(words, reverse=True) if len(word) > 2)
    return rf"\b{_NOT_A_NAME}(?:{listed})\b{_EPONYM}" if listed else ""
