"""What the raw "Online Retail" file means: tables to read and to change, no logic.

All of them speak of upper-case text, as the raw file does.
"""

from typing import NamedTuple

# Codes that have the shape of goods and are none.
SERVICES = {
    "22016": "gift voucher",
    "23444": "next-day carriage",
    "23574": "packing charge",
    "23702": "image licence",
}

# Words that tell the variants of one product apart, and how the shop spells them.
COLOURS = {
    "AMBER": "Amber",
    "AMETHYST": "Amethyst",
    "AQUA": "Aqua",
    "BEIGE": "Beige",
    "BLACK": "Black",
    "BLUE": "Blue",
    "BRONZE": "Bronze",
    "BROWN": "Brown",
    "CHOC": "Chocolate",
    "CHOCOLATE": "Chocolate",
    "CLEAR": "Clear",
    "CREAM": "Cream",
    "FUSCHIA": "Fuchsia",
    "GOLD": "Gold",
    "GREEN": "Green",
    "GREY": "Grey",
    "IVORY": "Ivory",
    "JADE": "Jade",
    "LILAC": "Lilac",
    "NATURAL": "Natural",
    "OLIVE": "Olive",
    "ORANGE": "Orange",
    "PEACH": "Peach",
    "PINK": "Pink",
    "PISTACHIO": "Pistachio",
    "PURPLE": "Purple",
    "RED": "Red",
    "SILVER": "Silver",
    "TURQ": "Turquoise",
    "TURQUOISE": "Turquoise",
    "WHITE": "White",
    "YELLOW": "Yellow",
}
# A word that makes a colour a shade: "HOT PINK" and "LIGHT PINK" are two colours.
SHADES = ("COAL", "DARK", "HOT", "JET", "LIGHT", "LIME", "MIDNIGHT", "MINT", "SKY", "SOFT")
SIZES = {"SMALL": "Small", "MEDIUM": "Medium", "LARGE": "Large"}

# Written out, so that a name can be read.
ABBREVIATIONS = {
    "ASS": "ASSORTED",
    "ASST": "ASSORTED",
    "ASSTD": "ASSORTED",
    "B'FLY": "BUTTERFLY",
    "CANDL": "CANDLE",
    "GARLD": "GARLAND",
    "NECKL": "NECKLACE",
    "NECKLAC": "NECKLACE",
    "TURQ": "TURQUOISE",
    "TURQUOIS": "TURQUOISE",
    "VINT": "VINTAGE",
    "W": "WITH",
}
SMALL_WORDS = {"a", "and", "at", "by", "for", "from", "in", "of", "on", "or", "the", "to", "with"}
ACRONYMS = {"3D", "A4", "A5", "A6", "A7", "BBQ", "CD", "DIY", "LED", "TV", "UK", "USA", "USB", "XL"}


class CategoryRule(NamedTuple):
    """A leaf of the category tree and the words that lead to it."""

    path: str
    weight_grams: int  # an estimate for the whole category: the raw file knows no weights
    keywords: str  # separated by commas; a plural in -s or -es is matched too


# The first rule with a keyword in the description wins, so the order is part of the rules:
# what a thing is for (Christmas, a party) comes before what it is (a candle), and what it is
# before what it is made of (glass, tin).
CATEGORY_RULES = (
    CategoryRule(
        "Party & Seasonal > Christmas",
        150,
        "CHRISTMAS, XMAS, SANTA, REINDEER, SNOWMAN, SNOWFLAKE, ADVENT, BAUBLE, NOEL,"
        " NATIVITY, RUDOLPH, CHRISTMASTREE, BLACKCHRISTMAS, SNOW STAR, SNOWY, YULETIDE, ANGEL,"
        " TINSEL, JINGLE BELL, HOLLY, ROBIN, TREE DECORATION",
    ),
    CategoryRule(
        "Party & Seasonal > Easter",
        120,
        "EASTER, CHICK, HEN, BUNNY, BUNNIES, RABBIT, DECORATIVE EGG, EGG DECORATION, FLOWER"
        " EGG, HANGING EGG, PAINTED EGG, EGG GARLAND",
    ),
    CategoryRule(
        "Toys & Games > Games & Puzzles",
        300,
        "PLAYING CARDS, JIGSAW, PUZZLE, GAME, DOMINO, LUDO, SNAKES, BINGO, CHESS, DRAUGHTS,"
        " SOLITAIRE, TIC TAC TOE, NOUGHTS, QUIZ, MARBLES, JACKS, SKITTLES, QUOITS, MIKADO,"
        " PICK UP STICKS, YO-YO, YOYO, SKIPPING ROPE, SPINNING TOP, GLIDER, HELICOPTER, KITE,"
        " CROQUET, BOULES, MAGIC TREE",
    ),
    CategoryRule(
        "Fashion & Jewellery > Jewellery",
        60,
        "NECKLACE, BRACELET, EARRING, BANGLE, BROOCH, PENDANT, DIAMANTE RING, HOOP,"
        " EXPANDABLE RING, FLOWER RING, JEWELLERY, LARIAT, PENDENT, LOCKET, BLING RING,"
        " CUFFLINKS, ANKLET, CHOKER, EAR RING, GLASS RING, STONE RING, BAG CHARM, PHONE CHARM,"
        " BOUDICCA",
    ),
    CategoryRule(
        "Home > Decoration > Signs & Wall Art",
        300,
        "SIGN, DOORSIGN, WALL ART, PLAQUE, BLACKBOARD, CHALKBOARD, CHALK BOARD, NOTICE BOARD,"
        " NOTICEBOARD, WALL STICKER, CANVAS, POSTER, LETTERS, WOODEN LETTER, ALPHABET BLOCK,"
        " GIANT LETTER, WORD, DOOR HANGER, DOOR NUMBER, CALENDAR, STENCIL, MAGNETIC BOARD,"
        " MESSAGE BOARD, FINIAL, WALL DECORATION, HEART WALL, MOBILE, WINDCHIME, CHIME, DREAM,"
        " NUMBER TILE",
    ),
    CategoryRule(
        "Home > Living > Textiles & Soft Furnishings",
        600,
        "CUSHION, QUILT, THROW, RUG, DOORMAT, DOORSTOP, DOOR STOP, BLANKET, CURTAIN, BEANBAG,"
        " BEAN BAG, HOTTIE, PILLOW, BEDSPREAD, FILLER PAD, DRAUGHT EXCLUDER, SEAT PAD, DUVET,"
        " HOT WATER BOTTLE",
    ),
    CategoryRule(
        "Fashion & Jewellery > Accessories & Travel",
        120,
        "HAIR, HAIRCLIP, HAIRSLIDE, HAIRBAND, SCARF, SHAWL, GLOVE, SLIPPER, COMB, T-SHIRT,"
        " PONCHO, BIKINI, BELT, SARONG, EYE MASK, SUNGLASSES, CARDIGAN, KIMONO, HEADBAND, FAN,"
        " HAND WARMER, LEG WARMERS, PURSE, WALLET, PASSPORT, LUGGAGE, UMBRELLA, KEY RING,"
        " KEYRING, KEY FOB, KEY CHAIN, KEYCHAIN, KEY-CHAIN, TRAVEL, SUITCASE, COMPACT MIRROR,"
        " POCKET MIRROR, HANDBAG MIRROR, PILL BOX, MAKE UP, COSMETIC, GLASSES CASE, CIGARETTE,"
        " PHONE HOLDER, BUSINESS CARD, PHONE CASE, CARD HOLDER, EDWARDIAN PARASOL",
    ),
    CategoryRule(
        "Stationery & Craft > Cards & Gift Wrap",
        90,
        "WRAP, WRAPPING, GIFT BAG, GIFT BOX, GIFT TAPE, RIBBON, TISSUE PAPER, TAG, STICKY"
        " TAPE, PAPER TAPE, BOTTLE BAG, POSTCARD, INVITE, INVITATION, CARD",
    ),
    CategoryRule(
        "Party & Seasonal > Party Supplies",
        130,
        "PARTY, BUNTING, BALLOON, BIRTHDAY, PAPER CHAIN, GARLAND, STREAMER, STRAW, CONFETTI,"
        " PAPER PLATE, PAPER CUP, WEDDING, CAKE TOPPER, DISCO BALL, LEIS, COCKTAIL, PAPER"
        " BELL, PINATA, HONEYCOMB, TISSUES, DOILIES, PAPER PARASOL, FIREWORK, GLITTERBALL,"
        " PAPER NAPKIN, NAPKINS, PAPER DOILEY",
    ),
    CategoryRule(
        "Home > Lighting > Candles & T-Lights",
        220,
        "CANDLE, T-LIGHT, TLIGHT, T LIGHT, TEALIGHT, VOTIVE, CANDLEHOLDER, CANDLESTICK,"
        " CANDLEPOT, INCENSE, SCENTED, OIL BURNER, POTPOURRI, FRAGRANCE, WICK, ROOM SPRAY,"
        " LAVENDER BAG, SACHET, DIFFUSER, NIGHTLIGHT, CANDELABRA, HURRICANE LAMP",
    ),
    CategoryRule(
        "Fashion & Jewellery > Bags",
        180,
        "BAG, HANDBAG, SHOPPER, TOTE, RUCKSACK, BACKPACK, WASHBAG, HOLDALL, SATCHEL, TROLLEY",
    ),
    CategoryRule(
        "Home > Decoration > Frames, Mirrors & Clocks",
        400,
        "FRAME, PHOTOFRAME, MIRROR, CLOCK, ALARM, ALBUM, PHOTO, PICTURE, SCRAPBOOK,"
        " THERMOMETER, BAROMETER, MEMO",
    ),
    CategoryRule(
        "Home > Living > Bathroom & Wellbeing",
        250,
        "SOAP, BATH, SPONGE, FLANNEL, TOOTHBRUSH, TOILET, LOO, SHOWER, BATHROOM, BALM, NAIL,"
        " LIP GLOSS, MASSAGE, PLASTER, MANICURE, HAND CREAM, TISSUE, LAUNDRY, PEGS, IRONING,"
        " DUSTER, CLEANING, DUSTPAN, FIRST AID, MEDICINE, LOTION, PERFUME, SHAMPOO, EAR MUFF,"
        " STRESS BALL, RUBBER DUCK, CLOTHES, TOWEL",
    ),
    CategoryRule(
        "Kitchen & Dining > Baking & Cooking",
        350,
        "BAKING, CAKE CASE, CASES, CUTTER, RECIPE, SCALES, MOULD, ROLLING PIN, COOKIE, WHISK,"
        " MIXING BOWL, MEASURING, APRON, OVEN GLOVE, OVEN MITT, CAKE TIN, CHOPPING BOARD,"
        " PANTRY, SPATULA, PASTRY, MUFFIN, TIMER, SAUCEPAN, GRATER, COLANDER, SIEVE, TEA"
        " TOWEL, KITCHEN, CASSEROLE, RAMEKIN, FONDUE, CHEF, COOK, COOKING, MICROWAVE, PAN,"
        " WASHING UP, DISH BRUSH, ICE CREAM, TOAST, SPOON REST, GRINDER",
    ),
    CategoryRule(
        "Kitchen & Dining > Mugs, Cups & Tea",
        380,
        "MUG, CUP, TEACUP, SAUCER, TEAPOT, COSY, BEAKER, COFFEE, TEASPOON, SUGAR BOWL, MILK"
        " JUG, CREAMER, INFUSER, CAFE, TEA, THERMOS, FLASK, TEATIME",
    ),
    CategoryRule(
        "Kitchen & Dining > Food Storage & Lunch",
        320,
        "LUNCH BOX, LUNCHBOX, SNACK, CAKE STAND, CAKESTAND, BISCUIT, BREAD, JAR, CANISTER,"
        " CONTAINER, PICNIC, JAM, BUTTER DISH, FOOD COVER, CAKE BOX, CAKE DOME, HAMPER,"
        " PRESERVING, BOTTLE, ICE BUCKET, COOLER, CAKE COVER, CHEESE",
    ),
    CategoryRule(
        "Kitchen & Dining > Tableware",
        420,
        "CUTLERY, PLATE, BOWL, TRAY, DISH, JUG, PLACEMAT, PLACE MAT, COASTER, TUMBLER,"
        " GOBLET, WINE GLASS, GLASSES, DECANTER, PITCHER, SPOON, FORK, KNIFE, KNIVES,"
        " CHOPSTICKS, TABLECLOTH, TABLE CLOTH, TABLE RUN, TABLE RUNNER, SALT, PEPPER, SHAKER,"
        " CAKE SLICE, SERVING, SERVER, DINNER, BREAKFAST, CARAFE, TANKARD, SHOT GLASS, CRUET,"
        " TOASTRACK, TOAST RACK, TABLE MAT, PLATTER, SUGAR, CHAMPAGNE, TRIVET, BOTTLE OPENER,"
        " CORKSCREW, TIERED STAND, ASHTRAY, NAPKIN",
    ),
    CategoryRule(
        "Home > Lighting > Lamps & Lanterns",
        480,
        "LAMP, LAMPSHADE, LIGHT, LANTERN, CHANDELIER, LIGHTBULB, LED, TORCH, SHADE",
    ),
    CategoryRule(
        "Home > Living > Storage & Furniture",
        900,
        "DRAWER, CABINET, STORAGE, HOOK, HANGER, KNOB, SHELF, SHELVES, RACK, CHEST, TIDY,"
        " STOOL, CHAIR, TABLE, DESK, BIN, CRATE, TRUNK, STAND, HAMMOCK, ORGANISER, COAT,"
        " MAGAZINE, SCREEN, CUPBOARD, BOX, TIN, BASKET, TRINKET, BANK, KEY, BUREAU, TREASURE,"
        " BUCKET, POT HOLDER, MONEYBOX, SAFE, WASTEPAPER, PAIL, HAMPERS, CASE",
    ),
    CategoryRule(
        "Stationery & Craft > Notebooks, Pens & Paper",
        160,
        "NOTEBOOK, STICKER, PEN, PENCIL, WRITING, JOURNAL, DIARY, SKETCHBOOK, SKETCH, NOTE"
        " PAD, NOTEPAD, BOOK, BOOKCOVER, ERASER, RUBBER, RULER, SHARPENER, ENVELOPE,"
        " CLIPBOARD, FOLDER, CALCULATOR, PAPERWEIGHT, RECORD, CRAYON, BOOKMARK, STATIONERY,"
        " LETTER SET, BULLDOG CLIP, TAPE, STAPLER, MAGNET, FOLIO, CHALK, PAPER, STAMP,"
        " SCISSOR, MEMO PAD, HIGHLIGHTER",
    ),
    CategoryRule(
        "Stationery & Craft > Craft & Sewing",
        180,
        "SEWING, KNITTING, CRAFT, FELTCRAFT, BUTTON, THREAD, EMBROIDERY, CROSS STITCH, SEW,"
        " YARN, NEEDLE, WOOL, PATCHES, IRON ON, TAPESTRY, KIT, RAFFIA, DECOUPAGE, SEQUIN,"
        " CROCHET, TAPE MEASURE, MAKE YOUR OWN, PAINT YOUR OWN, PAINTING, BEAD, COLOURING,"
        " DRAWING, PAINT SET, STICKS",
    ),
    CategoryRule(
        "Toys & Games > Toys & Dolls",
        220,
        "TOY, DOLL, DOLLY, TEDDY, BEAR, PUPPET, TRAIN, ROBOT, RATTLE, DINOSAUR, SOLDIER,"
        " AEROPLANE, ROCKET, XYLOPHONE, RECORDER, HARMONICA, WHISTLE, KAZOO, MUSICAL, MUSIC"
        " BOX, BOUNCY, CHILD, CHILDREN, KIDS, BABY, NURSERY, FAIRY WINGS, MONKEY, SPACEBOY,"
        " WAND, TIARA, CIRCUS, CAR, TRUCK, BOAT, ROCKING HORSE, BUBBLE, DRUM, POPGUN,"
        " CATAPULT, SLINKY, ANIMAL, TATTOO, MASK, SQUEAKER, SWORD, PIRATE, PLAYHOUSE, MOUSE,"
        " ELEPHANT, GIRL, CAMPER, TRICYCLE, TELESCOPE, PERISCOPE, CLOWN, JUGGLING, GNOME",
    ),
    CategoryRule(
        "Garden > Plants, Birds & Outdoors",
        550,
        "GARDEN, PLANT, PLANTER, FLOWERPOT, HERB, BIRD, BIRDHOUSE, BIRDBATH, BIRDCAGE, GROW,"
        " SEED, TROWEL, SPADE, KNEELING, KNEELER, OUTDOOR, BEACH, WINDMILL, POT, PITCHFORK,"
        " WEATHER, FLY SWAT, INSECT, HEDGEHOG, TRELLIS, URN, FEEDER, RAIN, DECK, SHED,"
        " BICYCLE, DOG, CAT BOWL, PET, OWL, FROG, WATERING, COLLAR",
    ),
    CategoryRule(
        "Home > Decoration > Flowers & Ornaments",
        280,
        "VASE, ARTIFICIAL, FLOWER, ROSE, ORNAMENT, DECORATION, FIGURINE, STATUE, WREATH,"
        " HANGING, BOUQUET, FEATHER, BUTTERFLY, BELL, CRYSTAL, STAR, HEART, DROPLET, ICICLE,"
        " DOVE, BLOSSOM, CAGE, BRANCH, BABUSHKA, ZINC, TREE, SKULL, SHELL, CHERUB, BUDDHA,"
        " PIGEON, COCKEREL, DUCK, DECORATIVE, LEAF",
    ),
)
OTHER = CategoryRule("Gifts > Other", 250, "")
