"""Values of identifiers, by kind: names and forms of dates to develop on, and others to report on.

Held-out names share none with the others; held-out dates come in the other forms and in eight of their own.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple


class Names(NamedTuple):
    """Given names and surnames, of which about half are on no list of the library's."""

    given: Sequence[str]
    surnames: Sequence[str]


DEVELOPMENT_NAMES = Names(
    given=(
        "Aurelio Brannoc Cosima Dagny Eilidh Fergus Ghislaine Hamza Isolde Jorunn Kasimir Ludmila Mirek Niamh Ottoline Parveen "
        "Quillon Rasheed Siobhan Thandiwe Ulrika Valdemar Wiremu Xanthe Yevgeny Zuleika Anna James Maria Robert Fatima David "
        "Priya Elena Omar Susan Thomas Linda Hiroshi Claire Kevin Ruth Pedro Helen Samir Julia"
    ).split(),
    surnames=(
        "Abernathy Brandvold Cavendish Drummond Eskildsen Featherstone Gallowglass Hargreaves Ingersoll Jankowski Kirchner "
        "Lindqvist Mbatha Nakashima Oyelaran Pemberton Quisling Rosenthal Szczepanski Thistlewood Umarov Vandermeer Whitlock "
        "Yarborough Zielinski Achterberg Smith Garcia Johnson Patel Nguyen Miller O'Brien Kim Lopez Schmidt Khan Rossi Jones "
        "Silva Chen Martin Ivanov Lee"
    ).split(),
)
HELD_OUT_NAMES = Names(
    given=(
        "Abimbola Bronislav Caoimhe Dilnoza Evaristo Fenella Gudrun Hyacinth Ignatius Jacinda Kwabena Leocadia Mordecai Nanami "
        "Oluwaseun Pirjo Radovan Svetozar Tierney Umberto Vasilisa Wendeline Ximena Yaroslav Zipporah Mohammed Emily Carlos "
        "Jennifer Wei Aisha Peter Margaret Ivan Laura Daniel Sofia Grace Mark Victoria Ahmed Karen George Olga Juan Amy"
    ).split(),
    surnames=(
        "Adeyemi Blackwood Castellanos Dragomir Eisenhauer Fotheringham Goldfinch Haverkamp Isherwood Juarbe Kowalczuk "
        "Lovelace Macquarrie Nwosu Ostergaard Papanikolaou Quenneville Ravensdale Stjernberg Tokarczuk Uchida Vainio "
        "Wolstenholme Yilmaz Zubizarreta Bellweather Brown Wilson Martinez Singh Tran Davis O'Connor Park Hernandez Müller Ali "
        "Romano Taylor Santos Wang Petrov Young White"
    ).split(),
)
_STREETS = "Maple Birchwood Station Church Old_Mill King's Harbour Lincoln Sycamore Victoria Elm_Grove Jefferson".split()
_ROADS = "Street Road Avenue Lane Drive St. Ave Blvd Close Court Rd".split()
_TOWNS = "Ashby Brookfield Carrow Dunmore Eastvale Fairhaven Glenrock Harwick Millbrook Northam".split()
_STATES = "CA NY TX OH WA IL GA MA".split()
_MONTHS = "January February March April May June July August September October November December".split()
_HOSTS = "mailbox.example clinic.example.org example.com post.example.co.uk st-example.edu".split()

_WEEKDAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()

Values = Mapping[str, Callable[[random.Random], str]]


def _given(dice: random.Random, names: Names) -> str:
    return dice.choice(names.given)


def _surname(dice: random.Random, names: Names) -> str:
    return dice.choice(names.surnames)


def _name(dice: random.Random, names: Names) -> str:
    given, surname = _given(dice, names), _surname(dice, names)
    initial = dice.choice("ABCDEFGHJKLMPRST")
    forms = [f"{given} {surname}"] * 4 + [f"{given} {initial}. {surname}", f"{initial}. {surname}", f"{surname}, {given}"]
    return dice.choice([*forms, f"{given} {surname}-{_surname(dice, names)}", f"{given} {surname}".upper()])


class Day(NamedTuple):
    """A day of a calendar, in numbers."""

    day: int
    month: int
    year: int

    @property
    def name(self) -> str:
        return _MONTHS[self.month - 1]


def _date(dice: random.Random, forms: Callable[[Day, random.Random], list[str]]) -> str:
    return dice.choice(forms(Day(dice.randint(1, 28), dice.randint(1, 12), dice.randint(1925, 2029)), dice))


def development_dates(date: Day, _: random.Random) -> list[str]:
    """A day in twelve forms."""
    day, month, year = date
    numbers = [
        f"{month}/{day}/{year}",
        f"{month:02}/{day:02}/{year % 100:02}",
        f"{year}-{month:02}-{day:02}",
        f"{day}.{month}.{year}",
        f"{month}/{day}",
    ]
    words = [f"{day} {date.name} {year}", f"{date.name} {day}, {year}", f"{date.name[:3]} {day}", f"{date.name} {year}"]
    return [
        *numbers,
        *words,
        f"{day:02}-{date.name[:3]}-{year}",
        f"{day}th of {date.name}",
        f"{day:02}{date.name[:3].upper()}{year}",
    ]


def held_out_dates(date: Day, dice: random.Random) -> list[str]:
    """The same twelve and eight more."""
    day, month, year = date
    short, weekday = date.name[:3], dice.choice(_WEEKDAYS)
    more = [
        f"{year}/{month:02}/{day:02}",
        f"{month}-{day}-{year % 100:02}",
        f"{day:02}.{month:02}.{year % 100:02}",
        f"{short}. {day}, {year}",
        f"{day} {short} '{year % 100:02}",
        f"{weekday}, {date.name} {day}",
        f"the {day}th",
        f"{short}-{year}",
    ]
    return development_dates(date, dice) + more


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


def _email(dice: random.Random, names: Names) -> str:
    given, surname = _given(dice, names).lower(), _surname(dice, names).lower().replace("'", "").replace("ü", "u")
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


def values_of(names: Names, dates: Callable[[Day, random.Random], list[str]]) -> Values:
    """A maker a placeholder."""
    return {
        "NAME": partial(_name, names=names),
        "SURNAME": partial(_surname, names=names),
        "GIVEN": partial(_given, names=names),
        "DATE": partial(_date, forms=dates),
        "PHONE": _phone,
        "ADDRESS": _address,
        "ID": _record_number,
        "AGE": _age,
        "EMAIL": partial(_email, names=names),
        "URL": _url,
        "IP": _ip,
    }


DEVELOPMENT_VALUES = values_of(DEVELOPMENT_NAMES, development_dates)
HELD_OUT_VALUES = values_of(HELD_OUT_NAMES, held_out_dates)
KIND_OF = {name: "NAME" if name in ("SURNAME", "GIVEN") else name for name in DEVELOPMENT_VALUES}
"""``SURNAME`` and ``GIVEN`` are names too."""
