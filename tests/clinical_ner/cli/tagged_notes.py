"""Notes for the commands that tag."""

import json

PATIENT = "Zebulon Quartermain"
NOTE = f"{PATIENT} 😀 is a 64 y/o man with type 2 diabetes and hypertension, started on metformin and lisinopril."
OTHER = "Denies asthma. Given salbutamol\u2028and amoxicillin."


def jsonl(*records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()
