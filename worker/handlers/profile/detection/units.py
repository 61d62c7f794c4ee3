"""Words that stand in the second row of a header: units, types, and how a value was processed."""

import re

_UNITS = """
    s sec secs second seconds ms us ns min mins minute minutes h hr hrs hour hours d day days week
    weeks month months year years yr yrs m mm cm km um nm µm ft in inch inches mi mile miles yd
    g kg mg ug µg ng t lb lbs oz ton tons tonne tonnes l ml dl cl ul µl gal m2 m3 km2 km3 cm2 cm3
    ha acre acres k c f degc degf degk deg degrees celsius fahrenheit kelvin pa hpa kpa mpa bar mbar
    psi atm torr mmhg n kn j kj mj cal kcal w kw mw gw wh kwh mwh gwh v mv kv a ma ka hz khz mhz ghz
    ohm ohms db dbm lux lx lm cd mol mmol umol ppm ppb ppt pct percent usd eur gbp chf jpy cny inr
    cad aud count counts ratio index units unit bits bytes kb mb gb tb ts rn kn knots volts amps
    watts meters metres kilometers kilograms grams liters litres unitless dimensionless
"""
_TYPES = """
    int integer bigint smallint float double real decimal numeric number string str text char
    varchar date datetime timestamp time bool boolean uuid json object
"""
_PROCESSING = """
    avg average mean smp sample min minimum max maximum std stdev sd tot total sum med median wvc
    cov last first
"""
_WORDS = frozenset((_UNITS + _TYPES + _PROCESSING).split())
_FORM = re.compile(
    r"[(\[].{1,20}[)\]]"  # in brackets
    r"|[µμ°Ω]\s?\w{0,3}|deg ?[CFK]"
    r"|[A-Za-zµ°%]{1,8}(?:[/*·^²³-]\w{1,8}){1,3}"  # a ratio or a power
    r"|1/\w{1,4}|[%‰$€£¥#]",
    re.IGNORECASE,
)


def is_unit(text: str) -> bool:
    """Whether a cell names a unit, a type, or a way of processing."""
    word = "".join(text.split()).lower()
    return word in _WORDS or bool(_FORM.fullmatch(text.strip()))
