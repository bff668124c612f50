"""What a postal code looks like, by country (source: the Universal Postal Union's addressing).

A country that is not in the table takes any code, or none.
"""

import re

# Country, the pattern of the whole code in capitals, an example for the person who mistyped it.
_TABLE = """
    AT  [1-9]\\d{3}                                        1010
    AU  \\d{4}                                             2000
    BE  [1-9]\\d{3}                                        1000
    BG  \\d{4}                                             1000
    BR  \\d{5}-?\\d{3}                                     01310-100
    CA  [A-Z]\\d[A-Z]_?\\d[A-Z]\\d                         K1A_0B1
    CH  [1-9]\\d{3}                                        8001
    CN  \\d{6}                                             100000
    CY  \\d{4}                                             1010
    CZ  \\d{3}_?\\d{2}                                     110_00
    DE  \\d{5}                                             10115
    DK  \\d{4}                                             1050
    EE  \\d{5}                                             10111
    ES  \\d{5}                                             28001
    FI  \\d{5}                                             00100
    FR  \\d{5}                                             75001
    GB  GIR_?0AA|[A-Z]{1,2}\\d[A-Z\\d]?_?\\d[A-Z]{2}       SW1A_1AA
    GR  \\d{3}_?\\d{2}                                     105_57
    HR  \\d{5}                                             10000
    HU  \\d{4}                                             1051
    IN  [1-9]\\d{2}_?\\d{3}                                110001
    IT  \\d{5}                                             00184
    JP  \\d{3}-?\\d{4}                                     100-0001
    LT  (LT-)?\\d{5}                                       01100
    LU  (L-)?\\d{4}                                        1111
    LV  LV-\\d{4}                                          LV-1010
    MX  \\d{5}                                             06000
    NL  [1-9]\\d{3}_?[A-Z]{2}                              1012_AB
    NO  \\d{4}                                             0150
    NZ  \\d{4}                                             6011
    PL  \\d{2}-\\d{3}                                      00-001
    PT  \\d{4}-\\d{3}                                      1100-148
    RO  \\d{6}                                             010011
    SE  \\d{3}_?\\d{2}                                     111_29
    SG  \\d{6}                                             018956
    SI  \\d{4}                                             1000
    SK  \\d{3}_?\\d{2}                                     811_01
    US  \\d{5}(-\\d{4})?                                   20500
"""


def _read(table: str) -> dict[str, tuple[re.Pattern[str], str]]:
    rows = [line.split() for line in table.strip().splitlines()]
    return {
        country: (re.compile(pattern.replace("_", " "), re.ASCII), example.replace("_", " "))
        for country, pattern, example in rows
    }


_CODES = _read(_TABLE)


def is_valid(postal_code: str, *, country: str) -> bool:
    """Return whether the code, in capitals, can be one of that country."""
    if country not in _CODES:
        return True
    return _CODES[country][0].fullmatch(postal_code) is not None


def get_example(country: str) -> str | None:
    """Return a code of that country, ``None`` where the shop does not know their shape."""
    return _CODES[country][1] if country in _CODES else None
