"""Texts for the demo company: an invented installation company in the middle of the Netherlands."""

from __future__ import annotations

from typing import TypeAlias

# number, description, unit, price and cost in cents, decimals of quantities, stock article
CatalogueRow: TypeAlias = tuple[str, str, str, int, int, int, int]

CATALOGUE: tuple[CatalogueRow, ...] = (
    ("CV-HR28", "Cv-ketel HR 28 kW CW5", "stuk", 164500, 121000, 0, 1),
    ("CV-HR35", "Cv-ketel HR 35 kW CW6", "stuk", 198900, 146200, 0, 1),
    ("WP-HYB-5", "Hybride warmtepomp 5 kW", "stuk", 389500, 296000, 0, 1),
    ("EXP-018", "Expansievat 18 liter", "stuk", 5890, 3720, 0, 1),
    ("EXP-025", "Expansievat 25 liter", "stuk", 6720, 4310, 0, 1),
    ("POMP-A25", "Circulatiepomp A-label 25-60", "stuk", 21450, 14980, 0, 1),
    ("BUIS-CU15", "Koperen buis 15 mm", "meter", 645, 398, 2, 1),
    ("BUIS-CU22", "Koperen buis 22 mm", "meter", 985, 612, 2, 1),
    ("BUIS-MLC16", "Meerlagenbuis 16 mm", "meter", 215, 121, 1, 1),
    ("KNIE-CU15", "Kniekoppeling koper 15 mm", "stuk", 189, 92, 0, 1),
    ("T-CU15", "T-stuk koper 15 mm", "stuk", 264, 131, 0, 1),
    ("KOGEL-15", "Kogelkraan 15 mm", "stuk", 1245, 745, 0, 1),
    ("VUL-SET", "Vulset cv met slang", "stuk", 1875, 1140, 0, 1),
    ("ONTL-AUT", 'Automatische ontluchter 1/2"', "stuk", 1195, 720, 0, 1),
    ("THERM-DIG", "Kamerthermostaat digitaal", "stuk", 8950, 5830, 0, 1),
    ("THERM-SLIM", "Slimme thermostaat wifi", "stuk", 18900, 13250, 0, 1),
    ("RAD-T22-600", "Radiator type 22 600 x 1000", "stuk", 23450, 15900, 0, 1),
    ("RADKRAAN", "Thermostatische radiatorkraan", "stuk", 3425, 2180, 0, 1),
    ("WTW-UNIT", "WTW-unit 350 m3/h", "stuk", 124900, 93100, 0, 1),
    ("WTW-FILT", "Filterset WTW G4/F7", "set", 3895, 2240, 0, 1),
    ("SLANG-125", "Flexibele slang 125 mm", "meter", 410, 228, 1, 1),
    ("AFD-KIT", "Siliconenkit sanitair wit", "koker", 895, 430, 0, 1),
    ("SOLDEER", "Soldeertin loodvrij", "kg", 6890, 4525, 3, 1),
    ("GLYCOL", "Glycol antivries", "liter", 485, 296, 1, 1),
    ("ROOK-80", "Rookgasafvoer kunststof 80 mm", "meter", 1445, 882, 1, 1),
    ("KRAAN-KEUK", "Keukenmengkraan uitloop draaibaar", "stuk", 15900, 10450, 0, 1),
    ("CLOSET-DUO", "Duoblok closet PK wit", "stuk", 21900, 14300, 0, 1),
    ("SIFON-125", 'Sifon wastafel 5/4" chroom', "stuk", 2450, 1490, 0, 1),
    ("AUT-B16", "Installatieautomaat B16 1P+N", "stuk", 1785, 1090, 0, 1),
    ("ALS-30", "Aardlekschakelaar 30 mA 4P", "stuk", 8925, 5760, 0, 1),
    ("KABEL-3G25", "Installatiekabel 3 x 2,5 mm2", "meter", 189, 104, 2, 1),
    ("VOORRIJ-1", "Voorrijkosten zone 1", "stuk", 4500, 0, 0, 0),
    ("VOORRIJ-2", "Voorrijkosten zone 2", "stuk", 6500, 0, 0, 0),
    ("KLEIN-MAT", "Klein installatiemateriaal", "stuk", 750, 310, 2, 0),
    ("AFV-KETEL", "Afvoeren oude ketel", "stuk", 7500, 0, 0, 0),
    ("CV-OUD24", "Cv-ketel 24 kW (uitlopend)", "stuk", 119500, 98000, 0, 1),
)
BLOCKED_ARTICLES = frozenset({"CV-OUD24"})

# prefix, description, unit, decimals
FAMILIES: tuple[tuple[str, str, str, int], ...] = (
    ("FIT", "Knelfitting messing", "stuk", 0),
    ("KPL", "Perskoppeling RVS", "stuk", 0),
    ("BGL", "Beugel met inlage", "stuk", 0),
    ("BUI", "Kunststof buis grijs", "meter", 1),
    ("ISO", "Leidingisolatie", "meter", 2),
    ("AFS", "Afsluiter messing", "stuk", 0),
    ("KBL", "Kabelgoot", "meter", 1),
    ("SCH", "Schakelmateriaal inbouw", "stuk", 0),
    ("FLT", "Filtercassette", "stuk", 0),
    ("SAN", "Sanitair onderdeel", "stuk", 0),
    ("REG", "Regelventiel", "stuk", 0),
    ("DIV", "Bevestigingsmateriaal", "doos", 0),
)

# number, search code, description, price in cents, decimals, unit, blocked
RATES: tuple[tuple[str, str, str, int, int, str, int], ...] = (
    ("MONT", "MONT", "Monteur", 5800, 2, "uur", 0),
    ("MONT150", "MONT150", "Monteur 150%", 8700, 2, "uur", 0),
    ("MONT200", "MONT200", "Monteur 200%", 11600, 2, "uur", 0),
    ("REIS", "REIS", "Reisuren", 4600, 2, "uur", 0),
    ("STORING", "STORING", "Storingsdienst", 9250, 2, "uur", 0),
    ("LEERLING", "LEERL", "Leerling-monteur", 3450, 2, "uur", 0),
    ("PROJECTL", "PROJ", "Projectleider", 7900, 1, "uur", 0),
    ("TEKENAAR", "TEKEN", "Tekenaar / werkvoorbereider", 6750, 1, "uur", 0),
    ("INBEDR", "INBEDR", "Inbedrijfstelling", 7450, 3, "uur", 0),
    ("HOOGW", "HOOGW", "Hoogwerker per dagdeel", 14500, 0, "dagdeel", 0),
    ("GARANTIE", "GARANT", "Garantie-uren (niet belast)", 0, 2, "uur", 0),
    ("OUD-MONT", "OUDMONT", "Monteur (tarief tot 2024)", 5450, 2, "uur", 1),
)

WAREHOUSES: tuple[tuple[int, str], ...] = (
    (1, "Magazijn Ede"),
    (2, "Magazijn Arnhem"),
    (3, "Bus 101 - T. Vermeer"),
    (4, "Bus 102 - R. Haddou"),
)

# Names of customers; {} becomes a family name, [] something that grows or flies.
CUSTOMERS: tuple[str, ...] = (
    "Bouwbedrijf {} B.V.",
    "VvE De [] Fase 2",
    "Fam. {}",
    "Bakkerij {}",
    "Zorgcentrum De []",
    "Hotel-Restaurant {}",
    "Basisschool De []",
    "{} Vastgoed B.V.",
    "Garage {}",
    "Café 't [] van {}",
    "Woningstichting De []",
    "Tandartspraktijk {} & Zn.",
    "Kwekerij {} B.V.",
    "Administratiekantoor {}",
    "Sporthal {}",
    "Slagerij {}",
)
FAMILY_NAMES: tuple[str, ...] = (
    "Hoekstra",
    "Van Lingen",
    "Terpstra",
    "De Wit",
    "Brouwers",
    "Nijenhuis",
    "Van den Akker",
    "Özdemir",
    "Schipper",
    "Vlaming",
    "Kuiper",
    "Meijerink",
    "Bosveld",
    "El Amrani",
    "Rademaker",
    "Steenbeek",
    "Koçak",
    "Dijkgraaf",
    "Pieterse",
)
GROWING: tuple[str, ...] = ("Linde", "Beuk", "Vlinder", "Korenbloem", "Zwaluw", "Heide", "Eik", "Wielewaal")
FIRST_LETTERS = "ABDEFGHJKLMNPRSTVW"
STREETS: tuple[str, ...] = (
    "Stationsweg",
    "Kerkstraat",
    "Dorpsstraat",
    "Industrieweg",
    "Molenlaan",
    "Oude Rijksweg",
    "Beatrixlaan",
    "Handelskade",
    "Veluweplein",
    "Eikenlaan",
    "Nieuwe Gracht",
    "Parallelweg",
)
# town, four digits of the postal code
TOWNS: tuple[tuple[str, int], ...] = (
    ("Ede", 6711),
    ("Arnhem", 6811),
    ("Wageningen", 6701),
    ("Barneveld", 3771),
    ("Veenendaal", 3901),
    ("Apeldoorn", 7311),
    ("Nijmegen", 6511),
    ("Amersfoort", 3811),
    ("Zeist", 3701),
    ("Renkum", 6871),
)
PLACES: tuple[str, ...] = ("Ketelhuis", "Achteringang", "Technische ruimte", "Magazijn", "Nevenvestiging", "Bouwplaats")
EMPLOYEES: tuple[tuple[str, str, str], ...] = (
    ("101", "Tim", "Vermeer"),
    ("102", "Rachid", "Haddou"),
    ("103", "Sanne", "Jolink"),
    ("104", "Kees", "Wolbers"),
    ("105", "Merel", "Oldenkamp"),
)
# type of work, one line, what was done
JOBS: tuple[tuple[str, str, str], ...] = (
    ("Service", "Onderhoud installatie", "Onderhoud uitgevoerd en installatie gecontroleerd."),
    ("Reparatie", "Lekkage leiding", "Lekkende koppeling vervangen en leiding afgeperst."),
    ("Installatie", "Radiator plaatsen", "Radiator geplaatst, aangesloten en ingeregeld."),
    ("Service", "Thermostaat vervangen", "Thermostaat vervangen en uitleg gegeven."),
    ("Reparatie", "Kraan keuken", "Kraan vervangen, afvoer nagekeken."),
    ("Onderhoud", "Filters WTW", "Filters vervangen en ventielen gereinigd."),
    ("Installatie", "Groep bijplaatsen", "Groep bijgeplaatst en installatie doorgemeten."),
)
