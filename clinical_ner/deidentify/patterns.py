"""What identifiers other than names look like: patterns of the ``regex`` package, which ignore case, by what they are."""

_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|"
    r"nov(?:ember)?|"
    r"dec(?:ember)?)\.?"
)
_DAY = r"(?:0?[1-9]|[12]\d|3[01])(?:st|nd|rd|th)?"
_YEAR = r"(?:(?:18|19|20)\d\d|['\u2019]\d\d)"
_WEEKDAY = r"(?:(?:mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(?:day)?\.?,? (?:the )?)"
_WHEN = (
    r"(?:on|since|dated?|dating|from|until|till|til|by|due|before|after|around|about|approx(?:imately)?\.?|circa|~|onset|began|"
    r"begun|begins|start(?:s|ed|ing)?|end(?:s|ed|ing)?|last|next|seen|saw|met|admitted|discharged|transferred|received|issued|"
    r"taken|"
    r"drawn|collected|done|performed|given|filled(?: in)?|completed|signed|reviewed|checked?|repeat(?:ed)?|vaccinated|booked|"
    r"scheduled|returned|born|died|operated|removed|inserted|placed|changed|called|visit(?:ed)?|appointment|appt|follow[- ]?up|"
    r"f/u|fu|review|clinic|round|surgery|board|adm(?:ission)?|dc|d/c|discharge|d\.?o\.?b\.?|lmp|edd|bloods?|scan|mri|x-?ray|"
    r"echo|ecg|colonoscopy|mammogram|biopsy|culture|injection)"
)
_NO_RATING = (
    r"(?<!\b(?:pain|strength|power|murmurs?|reflex(?:es)?|grade[d]?|scor(?:e|ed|ing)|scale|rated?|severity|muscle|tone|pulses?)"
    r"[\w ,:]{0,24})"
)
_NO_FRACTION = (
    r"(?!\d|[/.]\d|%|\s?(?:mg|ml|mm|mcg|g|l|tab|tablet|pain|strength|murmur|reflex|of|x|hours?|hrs?|weeks?|months?|days?)\b)"
)
_DAY_OR_MONTH = r"(?:[12]\d|3[01]|0?[1-9])"
_NO_DOSE = r"(?![\d.,]*\s?(?:mg|mcg|g|ml|units?|tabs?|%|times|doses?)\b)"
_NUMBER = r"(?:no\.?|number|num\.?|nr\.?|id|#)"

DATES = {
    "year first": r"(?<![\d/.-])(?:18|19|20)\d\d([-/.])(?:0?[1-9]|1[0-2])\1(?:0?[1-9]|[12]\d|3[01])"
    r"(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?(?!\d)",
    "year last": r"(?<![\d/.-])(?:0?[1-9]|[12]\d|3[01])([-/.])(?:0?[1-9]|[12]\d|3[01])\1(?:(?:18|19|20)\d\d|"
    r"\d\d)(?![\d/.]\d|\d)",
    "month and year": r"(?<![\d/.-])(?:0?[1-9]|1[0-2])[-/](?:18|19|20)\d\d(?![\d/-])",
    "day and month after a word": rf"\b{_WHEN}[:,]?\s\K{_NO_RATING}{_DAY_OR_MONTH}/{_DAY_OR_MONTH}{_NO_FRACTION}",
    "day and month after a preposition": rf"\b(?:of|to|for|at)\s\K{_NO_RATING}{_DAY_OR_MONTH}/(?!(?:[2-6]|10)\b){_DAY_OR_MONTH}"
    rf"{_NO_FRACTION}",
    "day.month": rf"\b(?:on|since|dated?|born|d\.?o\.?b\.?|until|admitted|discharged|appointment)[:,]?\s\K{_DAY_OR_MONTH}"
    rf"\.(?:0?[1-9]|1[0-2])\b\.?{_NO_FRACTION}(?![\d%])",
    "further day and month": rf"(?<=\b{_WHEN}[:,]?\s\d\d?/\d\d?)(?: and | or | to | ?- ?| & |,? then |, )\K{_DAY_OR_MONTH}/"
    rf"{_DAY_OR_MONTH}{_NO_FRACTION}",
    "day of this month": rf"\b(?:on|since|from|until|till|by|due|before|after|around|last|vaccinated|admitted|discharged|"
    rf"seen)[:,]? {_WEEKDAY}?(?:the )?\K{_DAY}(?<=st|nd|rd|th)\b(?! (?:\p{{L}}+ )?(?:ribs?|percentile|centile|"
    rf"metatarsals?|metacarpals?|"
    rf"toes?|fingers?|digits?|nerves?|cycles?|weeks?|months?|days?|doses?|centur(?:y|ies)|years?|times?|intercostal|vertebra|grade|"
    rf"degree|floor|line|visit|trimester|child|pregnancy|episode|attempt|stage|heart|molar|hour))",
    "month and day, no score": r"(?<![\d/.-])"
    r"(?<!\b(?:gcs|mmse|moca|phq|gad|apgar|score|scale|vision|acuity)[\w-]{0,4}[ :=of]{0,6})"
    r"(?:(?:0?[1-9]|1[0-2])/(?:1[1-9]|2\d|3[01])|(?:1[3-9]|2[1-9]|3[01])/(?:0?[1-9]|1[0-2]))(?![\d/%]|\.\d|\s?(?:mg|mm|ml|g|l)\b)",
    "month day": rf"\b{_WEEKDAY}?{_MONTH}[ -]?{_DAY}(?:(?:,\s?|\s|-){_YEAR})?\b{_NO_DOSE}",
    "day month": rf"(?<![\d.])\b{_WEEKDAY}?{_DAY}[ -]?(?:of )?{_MONTH}(?:(?:,\s?|\s|-)?(?:{_YEAR}|\d\d\b))?(?!\p{{L}})",
    "month year": rf"\b{_MONTH}(?: of)?,?[ -]?{_YEAR}\b",
    "compact": r"\b(?:d\.?o\.?b\.?|date of birth|born)\W{0,3}\K(?:\d{8}|\d{6})\b",
    "digits only": r"(?<!\d)(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?!\d)",
    "named month": r"\b(?:in|since|last|this|next|early|late|mid|during|until|by|of|from)[ -](?!may\b|march\b(?! \d))\K"
    r"(?:january|february|april|june|july|august|september|october|november|december)\b",
    "weekday with a day": r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|"
    r"sun)(?:day)?,?\s(?:the\s)?\d{1,2}(?:st|nd|rd|th)\b",
}

PHONES = {
    "groups": r"(?<![\w.])(?:\+\d{1,3}[ .-]?)?(?:\(0?\d{2,5}\)[ .-]?|0?\d{2,5}[ .-])\d{3,4}[ .-]\d{3,4}(?![\d-])",
    "two groups": r"(?<![\w.])0\d{2,5}[ -]\d{5,8}(?!\d)",
    "seven digits": r"(?<![\w./-])\d{3}-\d{4}(?![\d/-])",
    "international": r"(?<!\w)(?:\+|00)[1-9]\d{0,2}[ .()\d-]{6,16}\d",
    "extension": r"(?<=\d)[ ,]*\b(?:ext(?:ension|n)?|x)\b[. :]*\d{1,6}\b",
    "after a word": r"\b(?:tel(?:ephone)?|phone|ph|mobile|mob|cell|fax|pager|beeper|bleep|ext(?:ension)?|call(?:ed)?|"
    r"contact|whatsapp|"
    rf"home|work|reach(?:ed|able)?(?: at| on)?)\b[ ]?{_NUMBER}?[.:]*[ ]?(?:at |on |is )?\K\+?\(?\d[\d ().-]{{2,18}}\d",
}

_STREET = (
    r"(?:street|st|avenue|ave|road|rd|boulevard|blvd|lane|ln|drive|dr|court|ct|circle|cir|place|pl|square|sq|terrace|"
    r"ter|way|highway|"
    r"hwy|parkway|pkwy|trail|trl|alley|crescent|cres|close|grove|gardens|row|mews|hill|walk|quay|path|pike|loop|plaza)\b\.?"
)
_CITY = r"(?-i:\p{Lu}[\p{Ll}']+(?:[ -](?:\p{Lu}[\p{Ll}']+|upon|on|of|le|la|de)){0,3})"
_STATE = (
    r"(?-i:A[KLRZ]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|PA|RI|S[CD]|T[NX]|UT|V[AT]|"
    r"W[AIVY])\b"
)
_POSTCODE = r"(?:\d{5}(?:-\d{4})?|(?-i:[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2})|(?-i:[A-Z]\d[A-Z] ?\d[A-Z]\d))\b"
_TAIL = (
    rf"(?:,?\s(?:apt|apartment|suite|ste|unit|flat|floor|room|"
    rf"#)\.?\s?[\w-]+)?(?:,?\s{_CITY}(?:,?\s{_STATE})?(?:,?\s{_POSTCODE})?)?"
)

ADDRESSES = {
    "street": rf"\b(?:(?:flat|apt|apartment|unit)\s[\w-]+,?\s)?\d{{1,5}}[a-z]?,?\s(?:[nsew]\.?\s|north\s|south\s|"
    rf"east\s|west\s)?"
    rf"(?:(?-i:\p{{Lu}}[\p{{L}}']+|\d+(?:st|nd|rd|th))[ ]){{1,4}}{_STREET}(?:\s[NSEW]{{1,2}}\b)?{_TAIL}",
    "field": r"\b(?:(?:home|street|postal|mailing|current|permanent|patient(?:'s)?) )?address\s?[:=]\s?\K[^\n;|]{5,120}",
    "dwelling": rf"\b(?:lives|living|lived|resides|residing|resided|dwells|stays|staying|residence|home|house|"
    rf"located)\s(?:is\s)?"
    rf"(?:at|on)\s\K(?:\d{{1,5}}[a-z]?\s)?{_CITY}(?:\s{_STREET})?{_TAIL}",
    "town": rf"\b(?:lives|living|lived|resides|residing|resident of|from|born|moved|native of|hometown(?: of)?|"
    rf"travell?ed|returned|"
    rf"transferred|retired)\s(?:back\s)?(?:in|to|near|outside|from|of)?\s?\K{_CITY}(?:,?\s{_STATE})?(?=[\s.,;)]|$)",
    "box": r"\bp\.?\s?o\.?\sbox\s\d+" + _TAIL,
    "town and state": rf"\b{_CITY},\s?{_STATE}(?:,?\s{_POSTCODE})?",
    "state and code": rf"\b{_STATE},?\s\d{{5}}(?:-\d{{4}})?\b",
    "code after a word": r"\b(?:zip|post(?:al)?|post)\s?code\s?[:=]?\s?\K[a-z0-9]{3,5}[ -]?[a-z0-9]{0,4}\b",
    "british code": r"(?-i:\b(?:[A-Z]{1,2}\d{1,2}[A-Z]?) \d[ABD-HJLNP-UW-Z]{2}\b)",
    "ward": r"\b(?:room|rm|bed|ward|(?-i:[Bb]ay))\s?(?:no\.?|number|#)?\s?:?\s?\K\d{1,4}[a-z]?(?:[-/]\d*[a-z]?)?\b"
    r"(?!\s?(?:air|mg|days?))",
}

RECORD_NUMBERS = {
    "after a word": r"\b(?:mrn|m\.r\.n\.|mr\s?#|medical records?|patient|record|chart|file|folder|account|acct|"
    r"encounter|visit|case|"
    r"accession|specimen|sample|order|hospital|unit|nhs|chi|ssn|social security|national insurance|ni|passport|policy|"
    r"member(?:ship)?|"
    r"insurance|medicare|medicaid|subscriber|group|claim|license|licence|dea|npi|gmc|nmc|registration|reg|device|"
    r"serial|sn|s/n|lot|"
    r"udi|model|implant|vin|plate|driver'?s?(?: license| licence)?|prescription|invoice|ref(?:erence)?|id|"
    r"identifier|hosp|pid|csn|fin|"
    rf"trial|study|subject|badge|employee)\b[ ]?(?:{_NUMBER}|card|record|identifier)?[ ]?(?:{_NUMBER})?(?:\s?(?:is|"
    rf"[:=#])){{0,2}}[ ]?"
    r"\K(?=[a-z/-]{0,5}\d)[a-z0-9]{1,8}(?:[-/ .](?=[a-z]{0,3}\d)[a-z0-9]{2,10}){0,4}(?<=[\da-z/-]{4,}|[\d ]{5,})\b",
    "hash": r"(?<!\w)#\s?\K\d{4,}\b",
    "social security": r"(?<![\d-])\d{3}[- ]\d{2}[- ]\d{4}(?![\d-])",
    "nhs": r"(?<![\d-])\d{3}[ -]\d{3}[ -]\d{4}(?![\d-])",
    "long number": r"(?<![\w.,/-])\d{7,20}(?![\w/]|[.,]\d)",
    "letters and digits": r"(?-i:\b[A-Z]{1,4}[-/]?\d{5,}(?:[-/][A-Z0-9]{1,6})*\b)",
    "digits and dashes": r"(?<![\w/-])\d{2,4}-\d{2,6}(?:[-/]\d{2,6}){1,3}(?![\w/-])",
    # Not "AZD-8041", a drug in trials; record numbers like it are found after a word.
    "serial": r"(?-i:\b(?![A-Z]{2,5}-\d{2,5}\b(?!-))(?=(?:[A-Z-]{0,12}\d){3})(?=[\d-]{0,20}[A-Z])[A-Z0-9]{3,12}"
    r"(?:-[A-Z0-9]{3,12}){1,4}\b)",
    "hardware address": r"\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b",
}

_OLD = r"(?:9\d|1[0-3]\d)"
_OLD_WORDS = r"(?:ninety|one hundred)(?:[- ](?:and )?(?:one|two|three|four|five|six|seven|eight|nine|ten))?"

AGES = {
    "years old": rf"(?<![\d.])(?:{_OLD}|{_OLD_WORDS})(?=[- ]?(?:years?|yrs?|y)[- ]?(?:old|of age|o\b)|[- ]?y/?o\b|"
    rf"[- ]?yr?\b(?! ago)|"
    r"[- ]?years?[- ]old|\s?(?:m|f)\b|[- ]?(?:year|yr)s?,?\s(?:male|female|man|woman|lady|gentleman))",
    "age": rf"\b(?:aged?|age is|age of|the age of|turned|turning|turns|birthday)\W{{0,3}}\K(?:{_OLD}|{_OLD_WORDS})\b",
    "birthday": rf"\b(?:{_OLD})(?:st|nd|rd|th)(?= birthday)",
    "decade": r"\b(?:in|into) (?:his|her|their) (?:(?:early|mid|late)[- ])?\K(?:90['\u2019]?s|nineties)\b",
    "word": r"\b(?:nonagenarian|centenarian|supercentenarian)\b",
    "person": rf"\b(?:man|woman|lady|gentleman|male|female|patient|pt)(?:,| is| of| aged?) \K(?:{_OLD})(?=[\s,.])",
}

EMAILS = {
    "address": r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",
    "spelled out": r"\b[\w.-]{1,64}\s?[\[(]\s?at\s?[\])]\s?[\w-]{1,63}(?:(?:\.|\s?[\[(]\s?dot\s?[\])]\s?)[\w-]{1,63}){1,8}",
    "spoken": r"\b[\w.-]{2,64} at [\w-]{2,63} dot (?:com|org|net|edu|gov|uk|de|io)\b",
}

URLS = {
    "scheme": r"\b(?:https?|ftp|sftp)://[^\s<>\"')\]]+",
    "www": r"\bwww\.[^\s<>\"')\]]+",
    "domain": r"(?<![@\w.])(?:[a-z0-9-]{2,63}\.){1,4}(?:com|org|net|edu|gov|io|health|info|co\.uk|nhs\.uk|"
    r"ac\.uk)\b(?:/[^\s<>\"')\]]*)?",
    "handle": r"(?<![\w@./])@[a-z_][\w.]{2,30}\b(?!\.\w)",
}
