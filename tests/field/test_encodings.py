"""Files in the encodings of their languages: the letters are right, and a guess says so."""

import pytest

from tests.unit.mill import Profile, cells, types

# Words of each language with its letters beyond ASCII: names, places and goods, as in real files.
WORDS = {
    "German": ["Jürgen Groß", "Köln", "Füße", "Äpfel", "Lübeck"],
    "French": ["Hélène Lefèvre", "Besançon", "forêt", "Noël", "crème brûlée"],
    "Spanish": ["Íñigo Peña", "Córdoba", "caña", "Málaga", "garantía"],
    "Portuguese": ["João Simões", "São Luís", "refeição", "Conceição", "açúcar"],
    "Danish": ["Søren Kjær", "Ærø", "smørrebrød", "Ålborg", "rødgrød"],
    "Swedish": ["Göran Sjöberg", "Malmö", "smörgås", "Västerås", "kött"],
    "Finnish": ["Päivi Mäkinen", "Jyväskylä", "hyvää päivää", "Hämeenlinna", "syyskuu yö"],
    "Icelandic": ["Guðrún Þórsdóttir", "Akranes við Faxaflóa", "mjólk", "Ísafjörður", "sæti"],
    "Polish": ["Łukasz Wiśniewski", "Gdańsk", "źródło", "Poznań", "pięć żółtych"],
    "Czech": ["Jiří Dvořák", "Plzeň", "žluťoučký kůň", "Děčín", "měď"],
    "Slovak": ["Ľubomír Šťastný", "Košice", "päť kľúčov", "Žilina", "mäkčeň"],
    "Hungarian": ["Győző Szűcs", "Kecskemét", "árvíztűrő", "Győr", "tükörfúrógép"],
    "Slovenian": ["Matjaž Čuk", "Črnomelj", "žemlja", "Škofja Loka", "sončna"],
    "Romanian": ["Ştefan Pătraşcu", "Braşov", "brânză", "Constanţa", "fără lumânări"],
    "Lithuanian": ["Rūta Žukauskaitė", "Šiauliai", "ąžuolas", "Kėdainiai", "šešių"],
    "Latvian": ["Jānis Bērziņš", "Rēzekne", "ķirši", "Jūrmala", "četri gadi"],
    "Estonian": ["Tõnu Õunapuu", "Põlva", "jäääär", "Võru", "köömned"],
    "Turkish": ["Çağrı Öztürk", "Muğla", "ışık", "Diyarbakır", "yağmurluğu"],
    "Russian": ["Сергей Ковалёв", "Воронеж", "шестерня", "Казань", "насос"],
    "Ukrainian": ["Олексій Ющенко", "Львів", "залізо", "Київ", "п'ять їжаків"],
    "Bulgarian": ["Георги Стоянов", "Пловдив", "ъгъл", "Бургас", "мляко"],
    "Greek": ["Γιώργος Παπάς", "Θεσσαλονίκη", "τυρί", "Αθήνα", "ελαιόλαδο"],
    "Hebrew": ["דוד כהן", "ירושלים", "תפוחים", "חיפה", "שולחן"],
    "Arabic": ["محمد علي", "القاهرة", "كتاب", "الرياض", "سيارة"],
    "Thai": ["สมชาย ใจดี", "กรุงเทพ", "น้ำปลา", "เชียงใหม่", "ข้าว"],
    "Japanese": ["山田太郎", "大阪市", "注文番号", "ステンレス製", "ねじ"],
    "Korean": ["김민수", "부산광역시", "주문 번호", "사과", "전자제품"],
    "Simplified Chinese": ["王小明", "上海市", "订单编号", "不锈钢螺丝", "苹果"],
    "Traditional Chinese": ["陳小明", "臺北市", "訂單編號", "不鏽鋼螺絲", "蘋果"],
}
IN = [
    ("German", "cp1252 iso8859_15 cp850 mac_roman cp437"),
    ("French", "cp1252 iso8859_15 cp850 mac_roman"),
    ("Spanish", "cp1252 cp850 mac_roman"),
    ("Portuguese", "cp1252 cp850 mac_roman"),
    ("Danish", "cp1252 cp850 cp865"),
    ("Swedish", "cp1252 cp850 mac_roman"),
    ("Finnish", "cp1252 cp850"),
    ("Icelandic", "cp1252"),
    ("Polish", "cp1250 iso8859_2 cp852"),
    ("Czech", "cp1250 iso8859_2 cp852"),
    ("Slovak", "cp1250 iso8859_2"),
    ("Hungarian", "cp1250 iso8859_2 cp852"),
    ("Slovenian", "cp1250 iso8859_2"),
    ("Romanian", "cp1250 iso8859_2"),
    ("Lithuanian", "cp1257 iso8859_13"),
    ("Latvian", "cp1257 iso8859_13"),
    ("Estonian", "cp1257"),
    ("Turkish", "cp1254 iso8859_9 cp857"),
    ("Russian", "cp1251 koi8_r cp866 iso8859_5 mac_cyrillic"),
    ("Ukrainian", "cp1251 koi8_u iso8859_5"),
    ("Bulgarian", "cp1251 iso8859_5"),
    ("Greek", "cp1253 iso8859_7 cp737"),
    ("Hebrew", "cp1255 iso8859_8 cp862"),
    ("Arabic", "cp1256 iso8859_6"),
    ("Thai", "cp874"),
    ("Japanese", "cp932 euc_jp iso2022_jp"),
    ("Korean", "cp949"),
    ("Simplified Chinese", "gb18030"),
    ("Traditional Chinese", "cp950"),
]
CASES = [(language, encoding) for language, names in IN for encoding in names.split()]


@pytest.mark.parametrize(("language", "encoding"), CASES)
def test_letters_are_those_of_the_language(run: Profile, language: str, encoding: str) -> None:
    rows = [(str(n), word, f"{n}.5") for n, word in enumerate(WORDS[language], 1)]
    text = "id;name;amount\n" + "".join(";".join(row) + "\n" for row in rows)
    result = run(text.encode(encoding))
    assert cells(result) == rows
    assert types(result)["name"] == "VARCHAR"
    assert types(result)["id"] == "BIGINT"
    found = result.summary["encoding"]
    assert found["replaced_characters"] == 0
    if encoding != "iso2022_jp":
        assert found["confidence"] < 1
        assert any("Encoding guessed" in words for words in result.summary["warnings"])


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "gb18030", "cp949", "cp1251", "koi8_r"])
@pytest.mark.parametrize("at", [0, 600])
def test_a_few_words_among_ascii(run: Profile, encoding: str, at: int) -> None:
    words = {
        "cp949": ("강철", "부품"),
        "gb18030": ("螺丝", "不锈钢"),
        "cp1251": ("втулка", "Прокладка"),
        "koi8_r": ("втулка", "Прокладка"),
    }.get(encoding, ("部品", "京都"))
    rows = [(str(n), f"Valve DN{n} steel 316L", "") for n in range(1, 1001)]
    for n, word in enumerate(words):
        rows[at + n * 7] = (rows[at + n * 7][0], f"Gasket B-{n} {word} PTFE", "x")
    text = "id,item,mark\n" + "".join(",".join(row) + "\n" for row in rows)
    result = run(text.encode(encoding))
    assert [row[1] for row in cells(result)] == [row[1] for row in rows]
    assert result.summary["columns"][0]["type"] == "BIGINT"


@pytest.mark.parametrize(
    "symbol",
    [
        "l’eau d’été",
        "it’s",
        "21 °C",
        "10 €",
        "5 m²",
        "½ inch",
        "“quoted”",
        "Ångström",
        "naïve",
        "3 µm",
        "£20",
    ],
)
def test_a_sign_or_word_alone_is_western(run: Profile, symbol: str) -> None:
    text = "id,what\n" + "".join(f"{n},plain\n" for n in range(50)) + f"50,{symbol}\n"
    result = run(text.encode("cp1252"))
    assert cells(result)[-1] == ("50", symbol)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "language", ["Russian", "Greek", "Japanese", "Korean", "Simplified Chinese", "Polish", "Arabic"]
)
def test_wide_text_without_a_mark(run: Profile, language: str, encoding: str) -> None:
    words = WORDS[language]
    text = f"{words[2]};{words[3]}\r\n" + "".join(f"{n};{word}\r\n" for n, word in enumerate(words))
    result = run(text.encode(encoding))
    assert result.summary["encoding"]["name"] == encoding
    assert cells(result) == [(str(n), word) for n, word in enumerate(words)]
    assert [column["name"] for column in result.summary["columns"]] == words[2:4]


MIXED = [
    ("cp1252", ["Müller", "Málaga"], "windows-1252"),
    ("cp1252", ["Peña", "façade", "Ørsted"], "windows-1252"),
    ("cp1251", ["Смирнова", "Екатерина", "Новгород"], "windows-1251"),
    ("cp1250", ["Wałęsa", "Łódź", "Święta"], "windows-1250"),
    ("cp932", ["東京都", "大阪府"], "Shift-JIS"),
]


@pytest.mark.parametrize(("encoding", "words", "name"), MIXED)
@pytest.mark.parametrize("quote", ["", '"'])
def test_lines_in_another_encoding_are_read_in_it_and_located(
    run: Profile, encoding: str, words: list[str], name: str, quote: str
) -> None:
    good = [(str(n), f"José Nuñez {n}") for n in range(1, 31)]
    bad = [(str(n), word) for n, word in enumerate(words, 31)]

    def lines(rows: list[tuple[str, str]]) -> str:
        return "".join(f"{quote}{a}{quote},{quote}{b}{quote}\n" for a, b in rows)

    result = run(("id,name\n" + lines(good)).encode() + lines(bad).encode(encoding))
    assert cells(result) == good + bad
    assert types(result)["id"] == "BIGINT"
    found = result.summary["encoding"]
    assert (found["name"], found["replaced_characters"]) == ("utf-8", 0)
    (said,) = (words for words in result.summary["warnings"] if "UTF-8" in words)
    assert said.startswith(f"{len(bad)} lines have bytes that are not valid UTF-8")
    assert f"{name}: lines 32" in said


@pytest.mark.parametrize(
    ("bad", "shown"),
    [
        (b"M\xc3\xbcnchen S\xc3", "München S\ufffd"),
        (b"\xe2\x82 5", "\ufffd 5"),
        ("Москв".encode() + b"\xd0", "Москв\ufffd"),
    ],
)
def test_characters_that_were_cut_are_replaced_and_located(
    run: Profile, bad: bytes, shown: str
) -> None:
    data = b"id,name\n" + "".join(f"{n},Zoë {n}\n" for n in range(20)).encode()
    result = run(data + b"20," + bad + b"\n")
    assert cells(result)[-1] == ("20", shown)
    found = result.summary["encoding"]
    assert found["replaced_characters"] == 1
    assert len(data) < found["undecodable_bytes"][0] < len(data) + 3 + len(bad)
    assert any("on line 22 (byte" in words for words in result.summary["warnings"])


def test_a_guess_carries_its_evidence(run: Profile) -> None:
    result = run("ad;şehir\nIşık Dağ;Muğla\n".encode("cp1254"))
    found = result.summary["encoding"]
    assert found["name"] == "cp1254"
    assert "Turkish" in found["evidence"]
    assert found["runner_up"]
    (said,) = (words for words in result.summary["warnings"] if "guessed" in words)
    assert said.startswith("Encoding guessed: windows-1254, for example “")
    assert "option “encoding”" in said


def test_too_little_to_tell_is_not_sure(run: Profile) -> None:
    confidence = run("a,b\n1,\xf5\n".encode("latin-1")).summary["encoding"]["confidence"]
    assert confidence < 0.9


def test_the_last_bytes_of_a_large_file_are_seen(run: Profile) -> None:
    text = "id,name\n" + "".join(f"{n},plain text {n}\n" for n in range(30_000))
    result = run((text + "30000,Çağlayan Işık\n").encode("cp1254"))
    assert cells(result)[-1] == ("30000", "Çağlayan Işık")
