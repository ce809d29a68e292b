"""What stands beside the name of a person and hardly ever beside a drug or a disease: compiled patterns of ``regex``.

From general knowledge of how notes are written; single capitalised words count as names beside these only.
"""

import regex  # type: ignore[import-untyped]

_KIN = (
    r"(?:wife|husband|spouse|partner|fianc[ée]e?|mother|father|mum|mom|dad|parents?|sons?|daughters?|brothers?|sisters?|"
    r"twin|aunt|"
    r"uncle|cousin|niece|nephew|grand(?:mother|father|son|daughter|parents|children)|step(?:son|daughter|mother|father)|"
    r"girlfriend|"
    r"boyfriend|neighbou?r|friend|carers?|caregiver|guardian|roommate|flatmate|landlord|colleague|interpreter|family|"
    r"children|kids|"
    r"next of kin|nok|employer|teacher)"
)
_STAFF = (
    r"(?:operator|assistant|surgeon|an[a]?esth[e]?tist|anesthesiologist|physician|clinician|provider|doctor|consultant|"
    r"resident|registrar|"
    r"intern|fellow|attending|nurse|midwife|therapist|physio(?:therapist)?|dietitian|pharmacist|paramedic|radiologist|"
    r"pathologist|"
    r"cardiologist|psychologist|psychiatrist|counsellor|counselor|social worker|case manager|coordinator|secretary|"
    r"receptionist|student|chaplain|colleagues?|supervisor|interpreter|witness(?:es)?|informant|officer|author|scribe|"
    r"PCP|GP|SHO|SpR|RN|LPN|CNA|NP|PA|HCA|FY[12]|PGY-?\d|SN|MD|NOK|team|on[- ]call|cover|service of)"
)
_DONE = (
    r"(?:signed|seen|reviewed|examined|assessed|evaluated|presented|requested|ordered|performed|assisted|"
    r"supervised|covered|"
    r"taken|inserted|removed|read|reported|interpreted|accompanied|brought(?: in)?|raised|visited|escorted|translated|"
    r"witnessed|"
    r"completed|documented|written|prepared|obtained|arranged|recommended|approved|administered|dispensed|dictated|typed|"
    r"verified|authored|entered|checked|referred|attended|operated(?: on)?|informed|consented|counselled|called|"
    r"paged|sent|collected|drawn|found|known|cared for|looked after)"
)

BEFORE = regex.compile(
    rf"(?:\b(?i:{_DONE} by|{_KIN}|{_STAFF}(?:'s)?)[,:]? [(]?"
    rf"|\b(?i:{_STAFF}|{_KIN})[:]?[ ]?[(](?:[\p{{L}}'-]+ ?[/,&] ?)?"
    rf"|\b(?i:{_KIN}|carer|patient|pt|client|room|home|house|behalf|presence|absence|request|signature) of "
    r"|\b(?i:spoke|spoken|speak|talk(?:ed)?|discuss(?:ed|ion)?|d/w|met|meeting|seen|review(?:ed)?|gone through|rounds?|"
    r"rounded|agreed|"
    r"liaised?|conferred|appointment|appt|follow[- ]?up|f/u|lives?|living|stays|came|attended|visit|consultation|call|"
    r"phone call|"
    r"conversation)(?: (?:at length|again|today|briefly|in detail|on the phone|by phone|together|case|plan|this|results?|"
    r"findings)){0,2} "
    r"(?i:w/|with|to) "
    r"|\b(?:[Ww]e|I|they|he|she|who|team|staff) (?:also |again |have |had )?"
    r"(?:saw|reviewed|met|examined|called|phoned|rang|paged|informed|"
    r"contacted|asked|told|visited|assessed|referred|thanked?|counselled|interviewed|seen) "
    r"|\b(?i:dear|hello|thank you|thanks|regards|sincerely|yours|named?|called|known as|alias|aka|prescription for|"
    r"letter to|copied? to|"
    r"attn|attention|for the attention of|on behalf of|signed|signature|re:|referring|(?:thanks|"
    r"thank you) for (?:referring|seeing|sending|reviewing)|"
    r"for seeing|meeting|mr|mrs|ms|miss|dr|mr\. and mrs\.|drs)[.,:]* "
    r")$"
)
"""Ends where the name begins."""

_OFTEN = (
    r"(?: (?:also|again|still|now|then|never|always|often|usually|recently|subsequently|later|already|just|only|who|has|"
    r"had|and family|"
    r"and (?:his|her) \p{Ll}+)){0,2}"
)
_DOES = (
    r"(?:reports?|reported|states?|stated|den(?:ies|ied)|says?|said|tells?|told|describes?|described|complain(?:s|ed)|"
    r"mention(?:s|ed)|"
    r"feels?|felt|thinks?|thought|believes?|believed|wants?|wanted|wish(?:es|ed)|asks?|asked|agree[sd]?|refuse[sd]?|"
    r"decline[sd]?|"
    r"prefer(?:s|red)?|underst(?:ands|ood)|verbali[sz]e[sd]|acknowledge[sd]|consent(?:s|ed)|admits|recall(?:s|ed)|"
    r"remember(?:s|ed)|"
    r"forgets?|forgot|lives|lived|resides|smokes|smoked|drinks|drank|sleeps|slept|eats|ate|walks|walked|drives|drove|"
    r"cried|cries|"
    r"smiles|wakes|woke|fell|falls|came|comes|went (?=to|home|back|into|for|out)|arrived|attended|attends|returned|returns|"
    r"visited|visits|called|"
    r"calls|phoned|"
    r"phones|telephoned|rang|texted|emailed|wrote|writes|signed|signs|spoke|speaks|talked|talks|brought|brings|"
    r"accompanied|takes|took|"
    r"manages|managed|weighs|enjoys|hopes|worries|worried|misses|retired|married|divorced|moved|met|saw|sees|reviewed|reviews|"
    r"examined|advised|advises|suggested|recommended|ordered|requested|notified|informed|aware|agreeable|holds|works as|"
    r"worked as|"
    r"grew up|looks after|cares for|sat|sits|stood|stands|sang|laughs|laughed|looks|looked|seems|knows|knew|tried|tries)"
)
_IS = (
    r"(?: (?:is|was|will be|has been|had been|being)(?: (?:not|still|now|then|also|again|very|quite|today|already)){0,2} "
    r"(?:seen|reviewed|examined|transferred|admitted|discharged|referred|brought|born|accompanied|advised|informed|told|"
    r"asked|called|"
    r"interviewed|counsel+ed|reassured|consented|contacted|phoned|assessed|escorted|pronounced|able|unable|happy|unhappy|keen|"
    r"anxious|aware|concerned|worried|tearful|retired|married|single|widowed|divorced|pregnant|independent|alert|asleep|"
    r"here|back|"
    r"asking|hoping|living|working|feeling|doing|sleeping|eating|walking|smoking|drinking|complaining|an? (?:\d|"
    r"\p{Ll}+ (?:man|woman|"
    r"boy|girl|lady|gentleman|teacher|driver|nurse|farmer|student))|\d)"
    r"| will (?:call|return|come|attend|discuss|follow up|think|bring|ring|phone|see|review|visit|stay))"
)
AFTER = regex.compile(
    rf"(?:{_OFTEN} {_DOES}\b(?! (?:in|between|among|with) \d)|{_IS}\b"
    rf"|['\u2019]s? (?:{_KIN}|GP|PCP|home|house|flat|room|chart|file|birthday|wishes|consent|request|appointment|clinic|"
    rf"list|notes|team)\b"
    rf"|,? [(]?(?:his|her|their|my|our|the patient['\u2019]s|a|an|the) (?:[\p{{Ll}}]+ )?{_KIN}\b"
    rf"| (?:and|&) (?:(?:his|her) )?{_KIN}\b"
    r"|,? (?:herself|himself)\b"
    r"| [(](?:next of kin|nok|patient|pt|wife|husband|son|daughter|mother|father|sister|brother|aged?|date of birth|"
    r"d\.?o\.?b|born|mrn|"
    r"nhs|rn|md|gp|pcp|\d{1,3} ?(?:y|[FM]\b))"
    r"|,? (?:d\.?o\.?b|mrn|nhs)\b"
    r"| from (?:the )?(?:\p{Ll}+ )?(?:\p{L}+(?:ology|iatry|iatrics|surgery|etics|therapy)|medicine|surgery|social work|"
    r"the ward|ICU|"
    r"ED|theatre|pharmacy|hospice|the laboratory|the lab)\b"
    r")",
)
"""Begins where the name ends."""

SURNAME_FIRST = regex.compile(r",[ ]?(\p{Lu}[\p{Ll}\p{M}'\u2019-]{1,24})(?! ?,(?! who)| and \p{Lu})(?=[\s,.;)(]|$)")
"""Begins where a surname ends: its given name behind a comma, unless the comma goes on to list more."""
