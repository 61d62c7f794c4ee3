"""How often each language uses its letters beyond ASCII, and the encodings it is written in.

The weights are per thousand of a language's letters beyond ASCII, counted in the distinct words of
program translations, CLDR names and lists of personal and place names; rare letters are left out.
"""

from dataclasses import dataclass

WESTERN = ("cp1252", "iso8859_15", "mac_roman", "cp850", "cp437")
CENTRAL = ("cp1250", "iso8859_2", "cp852", "mac_latin2")
BALTIC = ("cp1257", "iso8859_13", "iso8859_4", "cp775")
TURKISH = ("cp1254", "iso8859_9", "cp857", "mac_turkish")
CYRILLIC = ("cp1251", "iso8859_5", "cp866", "mac_cyrillic", "cp855")


@dataclass(frozen=True, slots=True)
class Language:
    """A language by its English name; ``letters``: each lower-case letter with its weight.

    ``rarity`` is the logarithm of how much rarer files in it are than in the most common languages.
    """

    name: str
    encodings: tuple[str, ...]
    letters: str
    rarity: float = 0.0

    def weights(self) -> dict[str, int]:
        """Return the weight of each letter."""
        return {entry[0]: int(entry[1:]) for entry in self.letters.split()}


LANGUAGES = (
    Language(
        "French",
        WESTERN,
        "é749 è95 ï34 ô19 î19 ê19 ç14 â11 ë10 û7 œ7 à5",
    ),
    Language(
        "German",
        WESTERN,
        "ä366 ü314 ö180 ß55 é29 í9 ó6 è6 å4 ë4",
    ),
    Language(
        "Spanish",
        WESTERN,
        "ó233 á226 í217 é160 ñ82 ú66 ü6",
    ),
    Language(
        "Portuguese",
        (*WESTERN, "cp860"),
        "ã175 á167 ç165 í113 é90 ê73 ó71 õ40 ú39 â35 ô21",
    ),
    Language(
        "Italian",
        WESTERN,
        "à351 ò186 ì109 é85 è120 ù60",
    ),
    Language(
        "Dutch",
        WESTERN,
        "ë344 é292 ï105 è68 ü45 ö39 â24 å14 ê12 ç11 û9 ó6 î6 í6",
        0.3,
    ),
    Language(
        "Danish",
        (*WESTERN, "cp865"),
        "ø459 æ353 å134 é30",
        0.3,
    ),
    Language(
        "Swedish",
        WESTERN,
        "ö425 ä336 å150 é57 ç7 í7 ã5 ó4",
        0.2,
    ),
    Language(
        "Norwegian",
        (*WESTERN, "cp865"),
        "ø578 å259 æ77 é28 ä13 ö13 ü13 ç5 ó5",
        0.3,
    ),
    Language(
        "Finnish",
        WESTERN,
        "ä723 ö137 š61 ž34 é13 í7 ó4",
        0.3,
    ),
    Language(
        "Icelandic",
        (*WESTERN, "cp861"),
        "í247 ð191 ó169 ú93 á82 ö78 þ54 æ38 ý33 é15",
        1.0,
    ),
    Language(
        "Catalan",
        WESTERN,
        "í211 à186 ó162 è149 ú90 ò61 é58 á38 ç21 ï13 ü6",
        1.0,
    ),
    Language(
        "Irish",
        WESTERN,
        "á395 í211 é148 ú133 ó111",
        2.0,
    ),
    Language(
        "Albanian",
        (*WESTERN, *CENTRAL),
        "ë876 ç108 ã4",
        2.0,
    ),
    Language(
        "Polish",
        CENTRAL,
        "ł249 ń143 ś113 ć101 ó99 ż95 ą92 ę86 ź16",
    ),
    Language(
        "Czech",
        CENTRAL,
        "á203 í169 š126 ý108 ř79 ě76 č71 ž57 é54 ů20 ú15 ň8 ó6",
    ),
    Language(
        "Slovak",
        CENTRAL,
        "á299 č152 š96 í86 ý81 é73 ž54 ú40 ľ33 ť28 ó21 ň18 ď9 ô6",
        0.4,
    ),
    Language(
        "Hungarian",
        CENTRAL,
        "á320 é227 ó130 ő90 ö80 í76 ü38 ú19 ű17",
    ),
    Language(
        "Slovenian",
        CENTRAL,
        "č462 š391 ž141 ć5",
        0.6,
    ),
    Language(
        "Croatian",
        CENTRAL,
        "č288 š251 ć247 ž158 đ46",
        0.5,
    ),
    Language(
        "Romanian",
        CENTRAL,
        "ă521 ț262 ș132 â39 î26 ţ262 ş132",
    ),
    Language(
        "Lithuanian",
        BALTIC,
        "ė384 š127 ų123 ž104 ū102 č54 ą52 į33 ę19",
        0.6,
    ),
    Language(
        "Latvian",
        BALTIC,
        "ā241 ī189 ņ153 š149 ē119 ū52 ļ27 ž21 ģ18 ķ16 č15",
        0.8,
    ),
    Language(
        "Estonian",
        BALTIC,
        "ä373 õ224 ü199 š108 ž48 ö40",
        0.6,
    ),
    Language(
        "Turkish",
        TURKISH,
        "ı343 ü179 ç174 ş149 ö75 ğ68 â6",
    ),
    Language(
        "Russian",
        (*CYRILLIC, "koi8_r"),
        "а100 о85 и82 н73 е72 р61 с59 к53 т51 в42 л40 м29 й27 д27 у25 п23 я20 б18 г18 ь15 ы14 "
        "з13 ч9 х7 ф7 ж6 ц6 ш5 ю5 э3 щ2",
    ),
    Language(
        "Ukrainian",
        (*CYRILLIC, "koi8_u", "cp1125"),
        "а109 о78 н76 к60 и56 р54 і52 е51 с51 в48 т45 л37 ь33 д29 м26 у26 й24 п23 б18 г18 з15 "
        "я15 ч11 ц7 х7 ш6 ж6 ф5 ю5 ї4 є4",
        0.4,
    ),
    Language(
        "Belarusian",
        (*CYRILLIC, "koi8_u", "cp1125"),
        "а172 н78 к58 і55 с52 р48 я43 л39 ы38 е37 т33 д32 в28 м28 у28 п26 о25 ц23 з19 ь19 б18 "
        "г17 э15 ў14 й11 ч10 х7 ш7 ж5 ю5 ф5 ё3",
        1.0,
    ),
    Language(
        "Bulgarian",
        (*CYRILLIC, "koi8_r"),
        "а126 и104 н81 о78 е77 р61 т52 к51 л49 с48 в39 д31 м27 п22 я17 у17 з17 б16 г16 ч11 "
        "й11 ъ10 х7 ф7 ц6 ш6 ж6 ю4 щ3",
        0.5,
    ),
    Language(
        "Macedonian",
        ("cp1251", "iso8859_5", "cp855", "mac_cyrillic"),
        "а135 и106 е75 о75 н73 к64 с63 р61 т52 л39 в38 д30 м29 у23 п22 ј21 б19 г19 з13 ч8 ш8 "
        "ц7 ф5 х5 ж3 њ2",
        1.0,
    ),
    Language(
        "Serbian",
        ("cp1251", "iso8859_5", "cp855", "mac_cyrillic"),
        "а124 и108 е79 о69 н67 р59 к58 с56 т50 у34 л33 в31 д30 м29 ј27 п26 б17 г16 з15 ч9 ш9 "
        "ц7 ф6 х5 њ5 ж4 љ4 ћ3",
        0.8,
    ),
    Language(
        "Kazakh",
        ("kz1048", "ptcp154"),
        "а124 н72 е69 р61 т60 л51 і48 ы43 и42 с42 д37 о37 к35 м32 б28 у27 г23 з19 қ19 й13 ж12 "
        "я12 п12 ң11 ш10 в10 ғ7 ө7 ү6 ә6 ұ5 ф4 х4 ь4 э3 ч2",
        2.0,
    ),
    Language(
        "Greek",
        ("cp1253", "iso8859_7", "cp737", "mac_greek"),
        "α99 ο82 ι60 ν59 ρ57 τ54 ε52 κ49 σ44 λ41 υ40 μ37 ς36 π34 ί31 ά30 η27 γ23 δ19 ω15 έ14 "
        "ό14 β13 ύ13 ή11 χ11 φ9 θ9 ώ7 ζ6 ξ3",
    ),
    Language(
        "Hebrew",
        ("cp1255", "iso8859_8", "cp862"),
        "י137 ו115 ר69 ה67 א64 ל57 נ50 מ50 ת48 ב42 ק32 ש30 ס29 ד29 ג23 ט23 פ22 ן19 ח18 ע17 "
        "ם16 ז12 כ11 צ11 ך3 ף2",
    ),
    Language(
        "Arabic",
        ("cp1256", "iso8859_6", "cp720"),
        "ا154 ي101 ل99 و61 ر57 م56 ن55 ت44 ب40 د33 س32 ة31 ك24 ف21 ع21 ق17 ج17 ح16 أ15 ه14 "
        "ش12 ز10 ص10 ط10 غ10 خ8 إ7 ض5 ث4 ء3 ئ3 ذ3 ى2",
    ),
    Language(
        "Persian",
        ("cp1256",),
        "ا148 ی112 ر80 ن78 و65 م52 ت50 د49 ه38 س38 ل38 ب34 ک27 ش21 ز18 گ17 ي15 ف14 پ14 ج11 "
        "خ11 ع10 ق9 آ8 ح8 ص6 ط5 چ4 ك3 غ3 ئ3 ذ2",
        0.6,
    ),
    Language(
        "Thai",
        ("cp874",),
        "า102 ร79 น66 เ63 อ56 ก54 ล43 ม41 ง33 ว31 ส29 ย28 ต27 ด27 บ25 โ22 ค22 ห20 ท20 ะ18 แ18 "
        "ป18 พ18 ช15 ซ14 จ13 ไ11 ข10 ณ9 ำ7 ใ7 ศ7 ภ7 ธ6 ถ6 ญ5 ฟ5 ษ5 ผ3 ฐ3 ฮ3",
    ),
)
