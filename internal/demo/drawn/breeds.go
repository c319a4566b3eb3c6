package drawn

// ears is how the ears of a breed stand.
type ears int

const (
	pointed ears = iota
	folded       // small, tips turned down over the forehead
	floppy       // long, hanging at the sides
	round
)

// breed is what a breed looks like. Coats are those it has most often; a
// quarter of its animals have any coat, so that color alone says little.
type breed struct {
	name    string
	dog     bool
	pattern pattern
	ears    ears
	fluffy  bool
	build   float64 // width of the body: 1 is average
	coats   []int   // into coats
}

// breeds are sorted by name, as fastai sorts a vocabulary: capitals first. Each
// shares its pattern with one or two others and its ears with some, so that at
// least two traits are needed to tell it.
var breeds = []breed{
	{"Isle_Fold", false, striped, folded, false, 1.1, []int{1, 2, 4, 7}},
	{"Marlow_Tabby", false, striped, pointed, false, 1.0, []int{1, 2, 3, 7}},
	{"Nimbus_Longhair", false, patched, pointed, true, 1.1, []int{0, 1, 5, 6}},
	{"Saffron_Spot", false, spotted, pointed, false, 0.9, []int{1, 2, 3, 7}},
	{"Velvet_Quill", false, solid, pointed, false, 0.85, []int{3, 4, 5, 7}},
	{"bramble_terrier", true, striped, pointed, true, 0.9, []int{2, 3, 4, 7}},
	{"copper_setter", true, solid, floppy, true, 1.0, []int{1, 2, 3, 5}},
	{"fenwick_beardog", true, solid, round, true, 1.25, []int{0, 3, 5, 6}},
	{"harbor_hound", true, patched, floppy, false, 1.0, []int{0, 2, 6, 7}},
	{"pepper_pointer", true, spotted, floppy, false, 0.9, []int{0, 1, 6, 7}},
}

// coat is a base color and the color of its markings.
type coat struct{ base, mark col }

var coats = []coat{
	{rgb(0xf4efe6), rgb(0x4a3a30)}, // white and dark brown
	{rgb(0xe3a35f), rgb(0x9c5420)}, // ginger
	{rgb(0xb58a5f), rgb(0x56381f)}, // brown
	{rgb(0x7a5236), rgb(0x38231a)}, // chestnut
	{rgb(0x8f969e), rgb(0x474d57)}, // blue gray
	{rgb(0x4b4643), rgb(0xa8794a)}, // charcoal and tan
	{rgb(0xefe4d0), rgb(0x2b2826)}, // cream and black
	{rgb(0xcbb593), rgb(0x6e5334)}, // fawn
}
