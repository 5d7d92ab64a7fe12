"""Names of the people and places of the demo company."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Origin:
    """Names of one language. language: of these people's messages; share: per cent of the company."""

    language: str
    share: int
    first: str
    last: str


# Names in other scripts are followed by their spelling in the e-mail address.
ORIGINS = (
    Origin(
        "en", 24,
        "James Mary Oliver Amelia Harry Isla George Ava Noah Emily Jack Grace Leo Sophie Arthur Lily Oscar Ruby Henry "
        "Chloe Ethan Zoe Liam Niamh Callum Fiona Rhys Megan Aaron Priya",
        "Smith Jones Taylor Brown Williams Wilson Johnson Davies Robinson Wright Thompson Evans Walker White Roberts "
        "Green Hall Wood Jackson Clarke O'Brien Murphy Campbell Stewart Patel Khan Ahmed Okafor Mensah Adeyemi",
    ),
    Origin(
        "de", 26,
        "Lukas Anna Jonas Lea Finn Hannah Felix Mia Paul Emma Maximilian Sophie Jürgen Käthe Björn Antje Günther Heike "
        "Torsten Sabine Matthias Ursula Dieter Petra Moritz Johanna Sebastian Franziska Tobias Katharina",
        "Müller Schmidt Schneider Fischer Weber Meyer Wagner Becker Schulz Hoffmann Schäfer Koch Bauer Richter Klein "
        "Wolf Schröder Neumann Schwarz Zimmermann Braun Krüger Hofmann Hartmann Lange Groß Köhler Jäger Strauß Böhm",
    ),
    Origin(
        "es", 14,
        "Hugo Lucía Martín Sofía Mateo Martina Daniel María Pablo Julia Álvaro Paula Adrián Carmen Javier Alba Sergio "
        "Inés Jesús Rocío José Begoña Íñigo Pilar Raúl Mónica Andrés Nuria Joaquín Encarnación",
        "García Fernández González Rodríguez López Martínez Sánchez Pérez Gómez Martín Jiménez Ruiz Hernández Díaz "
        "Moreno Muñoz Álvarez Romero Alonso Gutiérrez Navarro Torres Domínguez Vázquez Ramos Núñez Ibáñez Cañas",
    ),
    Origin(
        "fr", 14,
        "Gabriel Louise Raphaël Jade Léo Alice Louis Chloé Lucas Inès Adam Léa Hugo Manon Jules Zoé Théo Camille "
        "François Hélène Étienne Agnès Benoît Élodie Rémi Océane Jérôme Anaïs Gaëtan Maëlys",
        "Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefèvre Leroy Roux David "
        "Bertrand Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Müller Lefèbvre Garçon Noël",
    ),
    Origin(
        "ar", 10,
        "محمد:mohamed فاطمة:fatima أحمد:ahmed مريم:maryam علي:ali زينب:zainab يوسف:youssef نور:nour عمر:omar "
        "ليلى:layla حسن:hassan سارة:sara خالد:khaled هدى:huda إبراهيم:ibrahim ياسمين:yasmin كريم:karim رانيا:rania",
        "الخطيب:alkhatib حداد:haddad النجار:alnajjar منصور:mansour السيد:alsayed خوري:khoury عباس:abbas "
        "سليمان:suleiman بشارة:bishara درويش:darwish العلي:alali قاسم:kassem شاهين:shahin زيدان:zidan رمضان:ramadan",
    ),
    Origin(
        "", 12,
        "Paweł Agnieszka Łukasz Małgorzata Çağla Mehmet Ayşe Emre Linh Minh Ngọc Giulia Marco João Inês Åsa Søren "
        "Zoltán Ágnes Jiří Eliška 伟:wei 芳:fang 健太:kenta 美咲:misaki Олена:olena Андрій:andriy",
        "Kowalski Nowak Wójcik Yılmaz Kaya Şahin Trần Phạm Lê Rossi Ferrari Silva Conceição Lindström Jørgensen Nagy "
        "Kovács Novák Dvořák 王:wang 李:li 佐藤:sato 鈴木:suzuki Шевченко:shevchenko Бойко:boyko",
    ),
)  # fmt: skip

CITIES = (
    "Berlin", "Hamburg", "Munich", "Cologne", "London", "Leeds", "Madrid", "Valencia", "Paris", "Lyon", "Vienna",
    "Zurich",
)  # fmt: skip
LETTERS = str.maketrans({"ß": "ss", "ł": "l", "Ł": "l", "ø": "o", "ı": "i", "đ": "d", "Đ": "d", "æ": "ae", "'": ""})


@dataclass(frozen=True)
class Name:
    """The name of a person, the language they read, and the part of their address before the @."""

    first: str
    last: str
    language: str
    mailbox: str


def people(random: Random) -> Iterator[Name]:
    """Yield people of all languages without end, each with a different mailbox."""
    used: dict[str, int] = {}
    origins, shares = list(ORIGINS), [origin.share for origin in ORIGINS]
    while True:
        origin = random.choices(origins, shares)[0]
        first, in_latin = _spellings(random.choice(origin.first.split()))
        last, last_in_latin = _spellings(random.choice(origin.last.split()))
        mailbox = f"{in_latin}.{last_in_latin}"
        used[mailbox] = used.get(mailbox, 0) + 1
        number = used[mailbox] if used[mailbox] > 1 else ""
        yield Name(first, last, origin.language, f"{mailbox}{number}")


def _spellings(entry: str) -> tuple[str, str]:
    """Return a name, and the ASCII letters of its address."""
    name, _separator, in_latin = entry.partition(":")
    plain = unicodedata.normalize("NFKD", in_latin or name.translate(LETTERS))
    return name, plain.encode("ascii", "ignore").decode().lower()
