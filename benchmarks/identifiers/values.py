"""Values of identifiers, by kind. Of the names about half are on no list of the library's."""

import random
from collections.abc import Callable, Mapping

_GIVEN = (
    "Aurelio Brannoc Cosima Dagny Eilidh Fergus Ghislaine Hamza Isolde Jorunn Kasimir Ludmila Mirek Niamh "
    "Ottoline Parveen Quillon "
    "Rasheed Siobhan Thandiwe Ulrika Valdemar Wiremu Xanthe Yevgeny Zuleika Anna James Maria Robert Fatima "
    "David Priya Elena Omar Susan "
    "Thomas Linda Hiroshi Claire Kevin Ruth Pedro Helen Samir Julia"
).split()
_SURNAMES = (
    "Abernathy Brandvold Cavendish Drummond Eskildsen Featherstone Gallowglass Hargreaves Ingersoll Jankowski "
    "Kirchner Lindqvist "
    "Mbatha Nakashima Oyelaran Pemberton Quisling Rosenthal Szczepanski Thistlewood Umarov Vandermeer "
    "Whitlock Yarborough Zielinski "
    "Achterberg Smith Garcia Johnson Patel Nguyen Miller O'Brien Kim Lopez Schmidt Khan Rossi Jones Silva "
    "Chen Martin Ivanov Lee"
).split()
_STREETS = "Maple Birchwood Station Church Old_Mill King's Harbour Lincoln Sycamore Victoria Elm_Grove Jefferson".split()
_ROADS = "Street Road Avenue Lane Drive St. Ave Blvd Close Court Rd".split()
_TOWNS = "Ashby Brookfield Carrow Dunmore Eastvale Fairhaven Glenrock Harwick Millbrook Northam".split()
_STATES = "CA NY TX OH WA IL GA MA".split()
_MONTHS = "January February March April May June July August September October November December".split()
_HOSTS = "mailbox.example clinic.example.org example.com post.example.co.uk st-example.edu".split()

Values = Mapping[str, Callable[[random.Random], str]]


def _given(dice: random.Random) -> str:
    return dice.choice(_GIVEN)


def _surname(dice: random.Random) -> str:
    return dice.choice(_SURNAMES)


def _name(dice: random.Random) -> str:
    given, surname = _given(dice), _surname(dice)
    initial = dice.choice("ABCDEFGHJKLMPRST")
    forms = [f"{given} {surname}"] * 4 + [f"{given} {initial}. {surname}", f"{initial}. {surname}", f"{surname}, {given}"]
    return dice.choice([*forms, f"{given} {surname}-{_surname(dice)}", f"{given} {surname}".upper()])


def _date(dice: random.Random) -> str:
    day, month, year = dice.randint(1, 28), dice.randint(1, 12), dice.randint(1925, 2029)
    name = _MONTHS[month - 1]
    forms = [
        f"{month}/{day}/{year}",
        f"{month:02}/{day:02}/{year % 100:02}",
        f"{year}-{month:02}-{day:02}",
        f"{day}.{month}.{year}",
    ]
    forms += [
        f"{day} {name} {year}",
        f"{name} {day}, {year}",
        f"{name[:3]} {day}",
        f"{day:02}-{name[:3]}-{year}",
        f"{name} {year}",
    ]
    return dice.choice([*forms, f"{day}th of {name}", f"{month}/{day}", f"{day:02}{name[:3].upper()}{year}"])


def _phone(dice: random.Random) -> str:
    area, first, last = dice.randint(201, 989), dice.randint(200, 999), dice.randint(0, 9999)
    forms = [
        f"({area}) {first}-{last:04}",
        f"{area}-{first}-{last:04}",
        f"{area}.{first}.{last:04}",
        f"+1 {area} {first} {last:04}",
    ]
    forms += [
        f"020 7946 {last:04}",
        f"07700 900{last % 1000:03}",
        f"+49 30 {dice.randint(100000, 9999999)}",
        f"{first}-{last:04}",
    ]
    return dice.choice([*forms, f"{area}{first}{last:04}", f"{area}-{first}-{last:04} ext. {last % 900 + 10}"])


def _address(dice: random.Random) -> str:
    street = f"{dice.randint(1, 2999)} {dice.choice(_STREETS).replace('_', ' ')} {dice.choice(_ROADS)}"
    town, state, code = dice.choice(_TOWNS), dice.choice(_STATES), f"{dice.randint(10000, 99999)}"
    forms = [
        street,
        f"{street}, {town}",
        f"{street}, {town}, {state} {code}",
        f"{street}, Apt {dice.randint(1, 40)}, {town}, {state}",
    ]
    forms += [
        f"{town}, {state}",
        f"P.O. Box {dice.randint(10, 9999)}, {town}",
        f"{street}, {town} {dice.choice('BLM')}{dice.randint(1, 9)} 4QT",
    ]
    return dice.choice(forms)


def _record_number(dice: random.Random) -> str:
    def digits(count: int) -> str:
        return "".join(dice.choices("0123456789", k=count))

    forms = [
        digits(7),
        digits(10),
        f"{digits(5)}-{digits(3)}",
        f"{digits(3)}-{digits(2)}-{digits(4)}",
        f"{digits(3)} {digits(3)} {digits(4)}",
    ]
    return dice.choice(
        [*forms, f"{dice.choice('ABHKX')}{digits(6)}", f"SN{digits(4)}-{digits(4)}", f"{digits(2)}-{digits(4)}/{digits(2)}"]
    )


def _email(dice: random.Random) -> str:
    given, surname = _given(dice).lower(), _surname(dice).lower().replace("'", "")
    user = dice.choice([f"{given}.{surname}", f"{given[0]}{surname}{dice.randint(1, 99)}", f"{given}_{surname}+rx"])
    return f"{user}@{dice.choice(_HOSTS)}"


def _url(dice: random.Random) -> str:
    path = f"{dice.choice(['p', 'visit', 'u'])}/{dice.randint(100, 99999)}"
    return dice.choice([f"https://{dice.choice(_HOSTS)}/{path}", f"www.example.org/{path}", f"portal.example.com/{path}"])


def _ip(dice: random.Random) -> str:
    return dice.choice(
        [
            ".".join(str(dice.randint(1, 254)) for _ in range(4)),
            f"2001:db8::{dice.randint(1, 9999):x}:{dice.randint(1, 9999):x}",
        ]
    )


def _age(dice: random.Random) -> str:
    return str(dice.randint(90, 107))


VALUES: Values = {
    "NAME": _name,
    "SURNAME": _surname,
    "GIVEN": _given,
    "DATE": _date,
    "PHONE": _phone,
    "ADDRESS": _address,
    "ID": _record_number,
    "AGE": _age,
    "EMAIL": _email,
    "URL": _url,
    "IP": _ip,
}
"""A maker a placeholder; ``SURNAME`` and ``GIVEN`` are names too."""

KIND_OF = {name: "NAME" if name in ("SURNAME", "GIVEN") else name for name in VALUES}
LISTED = frozenset(_GIVEN[26:]) | frozenset(_SURNAMES[26:])
"""Names that are frequent, and so on the library's lists."""
