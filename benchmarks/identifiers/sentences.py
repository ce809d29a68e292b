"""Sentences with identifiers. ``DEVELOPMENT`` may be looked at while patterns are written; ``HELD_OUT`` is what is reported.

The two share no sentence. A miss in ``HELD_OUT`` that was looked at and mended for is one no more: move the sentence to
``DEVELOPMENT`` then, and write another.
"""

DEVELOPMENT = (
    "Patient: {NAME}   MRN: {ID}   DOB: {DATE}",
    "Dr. {SURNAME} was informed of the results by phone at {PHONE}.",
    "{NAME} is a {AGE}-year-old retired teacher who lives at {ADDRESS}.",
    "Accompanied by her daughter {GIVEN}, cell {PHONE}.",
    "Seen in clinic on {DATE} by {NAME}, MD.",
    "Please send the letter to {EMAIL} or to {ADDRESS}.",
    "Next appointment {DATE}; reference number {ID}.",
    "Images were uploaded to {URL} from {IP}.",
    "He turned {AGE} last week.",
    "Electronically signed by {NAME} on {DATE}",
    "Home address: {ADDRESS}",
    "Mr {SURNAME} asked for a copy of the report.",
    "Insurance ID {ID}, contact {EMAIL}.",
)

HELD_OUT = (
    "Re: {NAME} (record {ID}), born {DATE}",
    "I had the pleasure of meeting Mrs {SURNAME} on {DATE}.",
    "History was taken from the patient's brother, {NAME}.",
    "{GIVEN} reports that she slept badly.",
    "The case was presented by {NAME} at the tumour board of {DATE}.",
    "Attending: {NAME}",
    "Spoke with {NAME} (next of kin) on {PHONE}.",
    "Thank you for referring {NAME}, whom I saw on {DATE}.",
    "{SURNAME} {GIVEN}, ward round {DATE}",
    "The patient, aged {AGE}, walks with a frame.",
    "This {AGE} yo woman fell at home.",
    "At {AGE} years of age he still drives.",
    "Fax results to {PHONE}.",
    "Contactable on {PHONE} after 5 pm.",
    "Moved to {ADDRESS} after the fall.",
    "Mail to: {ADDRESS}",
    "Ambulance called to {ADDRESS} on {DATE}.",
    "Hospital number {ID}.",
    "Specimen {ID} received {DATE}.",
    "Pacemaker serial no {ID} checked.",
    "NHS No: {ID}",
    "Her e-mail is {EMAIL}.",
    "Questionnaire filled in at {URL} on {DATE}.",
    "Portal login from {IP} noted.",
    "Last colonoscopy: {DATE}.",
    "Symptoms began around {DATE}.",
    "-{NAME}, PA-C",
)
