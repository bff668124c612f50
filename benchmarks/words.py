"""The words that made-up products are called by."""

_ADJECTIVES = (
    "amber antique ashen azure birch blue brass bright bronze calm carved cedar classic clear"
    " copper cosy cream crimson crystal dark deep delicate double dusty elegant enamel faded fine"
    " floral folded frosted gentle gilded glass glazed golden grand green grey hammered heavy"
    " honey hollow indigo iron ivory jade knitted large lemon light linen little long marble matt"
    " mellow merry mint modern mossy narrow natural oak ochre olive oval painted pale pastel pearl"
    " pine plain polished porcelain quiet quilted red retro ribbed round royal rustic sage sandy"
    " satin scarlet silver simple slate slim small smoky soft spotted square striped sunny tall"
    " teal thin tiny turquoise velvet vintage violet walnut warm white wide wild wooden woven"
)
_NOUNS = (
    "apron armchair basin basket beaker bell bench blanket board bolster bookend bottle bowl box"
    " bracket brush bucket candle canister carafe casket chair chest clock cloth coaster colander"
    " cup cushion decanter desk dish doorstop drawer easel ewer fork frame funnel garland glass"
    " goblet grater hammock hamper holder hook jar jug kettle knife knob ladle lamp lantern ledger"
    " mat mirror mitten mobile mortar mug napkin notebook opener ottoman pail pan parasol peg pen"
    " picture pillow pitcher plaque plate platter pot pouch puzzle quilt rack ribbon rug runner"
    " saucer scale scarf shelf sieve spoon stand stool strainer string table tankard teapot throw"
    " tile tin toaster towel tray trivet trunk tumbler umbrella urn vase wreath"
)
ADJECTIVES, NOUNS = _ADJECTIVES.split(), _NOUNS.split()
