package hevc

// cabac is the arithmetic decoder (9.3.4.3). value holds the 9 bits of
// ivlOffset and 7 more; need counts up to 0, when the next byte is due.
type cabac struct {
	b     []byte
	at    int
	rng   uint32
	value uint32
	need  int
	over  int // bytes read past the end, as zeros
}

func (c *cabac) next() uint32 {
	if c.at < len(c.b) {
		v := c.b[c.at]
		c.at++
		return uint32(v)
	}
	c.over++
	return 0
}

// start begins at the next byte: the start of a slice segment, and after what is aligned to bytes.
func (c *cabac) start() {
	c.rng, c.need = 510, -8
	c.value = c.next()<<8 | c.next()
}

// bit decodes a bin with the context x: its state twice, plus the more probable symbol.
func (c *cabac) bit(x *uint8) int {
	s := *x
	lps := uint32(rangeLPS[s>>1][c.rng>>6&3])
	c.rng -= lps
	scaled := c.rng << 7
	v := int(s & 1)
	if c.value < scaled {
		*x = nextMPS[s]
		if scaled < 256<<7 {
			c.rng = scaled >> 6
			c.value <<= 1
			if c.need++; c.need == 0 {
				c.need = -8
				c.value |= c.next()
			}
		}
		return v
	}
	n := renorm[lps>>3]
	c.value = (c.value - scaled) << n
	c.rng = lps << n
	c.need += int(n)
	if c.need >= 0 {
		c.value |= c.next() << uint(c.need)
		c.need -= 8
	}
	*x = nextLPS[s]
	return v ^ 1
}

func (c *cabac) flag(x *uint8) bool { return c.bit(x) == 1 }

// bypass decodes a bin of even chances.
func (c *cabac) bypass() int {
	c.value <<= 1
	if c.need++; c.need == 0 {
		c.need = -8
		c.value |= c.next()
	}
	if scaled := c.rng << 7; c.value >= scaled {
		c.value -= scaled
		return 1
	}
	return 0
}

func (c *cabac) bypassBits(n int) int {
	v := 0
	for range n {
		v = v<<1 | c.bypass()
	}
	return v
}

// terminate decodes the bin before which a stream may end. When it is 1, what
// follows begins at byte at: the last byte read holds the stop bit.
func (c *cabac) terminate() bool {
	c.rng -= 2
	scaled := c.rng << 7
	if c.value >= scaled {
		return true
	}
	if scaled < 256<<7 {
		c.rng = scaled >> 6
		c.value <<= 1
		if c.need++; c.need == 0 {
			c.need = -8
			c.value |= c.next()
		}
	}
	return false
}

// rangeLPS is table 9-52.
var rangeLPS = [64][4]uint8{
	{128, 176, 208, 240}, {128, 167, 197, 227}, {128, 158, 187, 216}, {123, 150, 178, 205},
	{116, 142, 169, 195}, {111, 135, 160, 185}, {105, 128, 152, 175}, {100, 122, 144, 166},
	{95, 116, 137, 158}, {90, 110, 130, 150}, {85, 104, 123, 142}, {81, 99, 117, 135},
	{77, 94, 111, 128}, {73, 89, 105, 122}, {69, 85, 100, 116}, {66, 80, 95, 110},
	{62, 76, 90, 104}, {59, 72, 86, 99}, {56, 69, 81, 94}, {53, 65, 77, 89},
	{51, 62, 73, 85}, {48, 59, 69, 80}, {46, 56, 66, 76}, {43, 53, 63, 72},
	{41, 50, 59, 69}, {39, 48, 56, 65}, {37, 45, 54, 62}, {35, 43, 51, 59},
	{33, 41, 48, 56}, {32, 39, 46, 53}, {30, 37, 43, 50}, {29, 35, 41, 48},
	{27, 33, 39, 45}, {26, 31, 37, 43}, {24, 30, 35, 41}, {23, 28, 33, 39},
	{22, 27, 32, 37}, {21, 26, 30, 35}, {20, 24, 29, 33}, {19, 23, 27, 31},
	{18, 22, 26, 30}, {17, 21, 25, 28}, {16, 20, 23, 27}, {15, 19, 22, 25},
	{14, 18, 21, 24}, {14, 17, 20, 23}, {13, 16, 19, 22}, {12, 15, 18, 21},
	{12, 14, 17, 20}, {11, 14, 16, 19}, {11, 13, 15, 18}, {10, 12, 15, 17},
	{10, 12, 14, 16}, {9, 11, 13, 15}, {9, 11, 12, 14}, {8, 10, 12, 14},
	{8, 9, 11, 13}, {7, 9, 11, 12}, {7, 9, 10, 12}, {7, 8, 10, 11},
	{6, 8, 9, 11}, {6, 7, 9, 10}, {6, 7, 8, 9}, {2, 2, 2, 2},
}

// afterLPS is transIdxLps of table 9-53.
var afterLPS = [64]uint8{
	0, 0, 1, 2, 2, 4, 4, 5, 6, 7, 8, 9, 9, 11, 11, 12, 13, 13, 15, 15, 16, 16, 18, 18, 19, 19, 21, 21, 22, 22, 23, 24,
	24, 25, 26, 26, 27, 27, 28, 29, 29, 30, 30, 30, 31, 32, 32, 33, 33, 33, 34, 34, 35, 35, 35, 36, 36, 36, 37, 37, 37, 38, 38, 63,
}

var (
	nextMPS, nextLPS [128]uint8
	renorm           [32]uint8 // shifts after a less probable symbol, by its range / 8
)

func init() {
	for s := range uint8(64) {
		for v := range uint8(2) {
			nextMPS[2*s+v] = 2*min(s+1, max(s, 62)) + v
			nextLPS[2*s+v] = 2*afterLPS[s] + v
			if s == 0 {
				nextLPS[v] = 1 - v
			}
		}
	}
	for i := range renorm {
		for r := max(8*i, 4); r < 256; r *= 2 {
			renorm[i]++
		}
	}
}
