// Package datasets brings data sets to this machine: known ones by name, and
// archives by address, downloaded, checked and extracted once (Untar).
package datasets

import (
	"slices"
	"sort"
	"strings"
)

// The names of some known data sets, for Untar. List lists all.
const (
	Pets          = "pets"           // Oxford-IIIT Pet: 37 breeds, 7 390 pictures in images/
	CIFAR         = "cifar"          // CIFAR-10: 60 000 of 32×32 in train/ and test/
	CIFAR100      = "cifar100"       // CIFAR-100
	Imagenette    = "imagenette"     // ten easy ImageNet classes, full size, in train/ and val/
	Imagenette160 = "imagenette-160" // the same, shorter side 160
	Imagenette320 = "imagenette-320" // the same, shorter side 320
	Imagewoof     = "imagewoof"      // ten ImageNet dog breeds, full size
	Imagewoof160  = "imagewoof-160"  // the same, shorter side 160
	Imagewoof320  = "imagewoof-320"  // the same, shorter side 320
	Flowers       = "flowers"        // Oxford 102 flowers
	Food          = "food"           // Food-101
	MNIST         = "mnist"          // MNIST as PNG
	MNISTSample   = "mnist-sample"   // its threes and sevens, in train/ and valid/
	MNISTTiny     = "mnist-tiny"     // 1 400 of them
	DogsCats      = "dogscats"       // Dogs versus Cats, in train/ and valid/
)

// Dataset is a known data set: where fast.ai keeps it, and what its file must
// be. Sizes and MD5 values are fastai's own (its data/checks.txt).
type Dataset struct {
	Name    string // as Untar takes it
	URL     string
	Size    int64  // bytes of the archive; 0 if not known
	HeadMD5 string // MD5 of the archive's first MiB, hex; "" if not known
	About   string // one line
}

const (
	s3      = "https://s3.amazonaws.com/fast-ai-"
	s3Image = s3 + "imageclas/"
	s3Samp  = s3 + "sample/"
)

var known = []Dataset{
	{Pets, s3Image + "oxford-iiit-pet.tgz", 811706944, "e4db5c768afd933bb91f5f594d7417a4", "Oxford-IIIT Pet: 37 breeds of cats and dogs"},
	{CIFAR, s3Samp + "cifar10.tgz", 168168549, "a5f8c31371b63a406b23368042812d3c", "CIFAR-10: 60 000 pictures of 32×32, 10 classes"},
	{CIFAR100, s3Image + "cifar100.tgz", 169168619, "e5e65dcb54b9d3913f7b8a9ad6607e62", "CIFAR-100: 60 000 pictures of 32×32, 100 classes"},
	{Imagenette, s3Image + "imagenette2.tgz", 1557161267, "2c774ecb40005b35d7937d50f5d42336", "Imagenette: 10 easy ImageNet classes, full size"},
	{Imagenette160, s3Image + "imagenette2-160.tgz", 99003388, "c475f8f7617a200ba35b9facc48443c3", "Imagenette, shorter side 160"},
	{Imagenette320, s3Image + "imagenette2-320.tgz", 341663724, "1f1f74f133caff120e575856659b87a2", "Imagenette, shorter side 320"},
	{Imagewoof, s3Image + "imagewoof2.tgz", 1343715595, "2cc1c1e36e20cb6fd24ffb978edcb487", "Imagewoof: 10 ImageNet dog breeds, full size"},
	{Imagewoof160, s3Image + "imagewoof2-160.tgz", 92612825, "3559b194123981a540b87132dbda412f", "Imagewoof, shorter side 160"},
	{Imagewoof320, s3Image + "imagewoof2-320.tgz", 328387740, "7a1fd92672a559a85de76e4810a20c21", "Imagewoof, shorter side 320"},
	{"imagewang", s3Image + "imagewang.tgz", 2900347689, "2b7776bac0fc95db72ac8a3b091a3e30", "Imagewang: Imagewoof judged, Imagenette unlabeled, full size"},
	{"imagewang-160", s3Image + "imagewang-160.tgz", 191498213, "dab9b1d97b95574ac64122a19bc74ca1", "Imagewang, shorter side 160"},
	{"imagewang-320", s3Image + "imagewang-320.tgz", 669826647, "fff8ac034d60e14fcf7789845e625263", "Imagewang, shorter side 320"},
	{Flowers, s3Image + "oxford-102-flowers.tgz", 345236087, "5666e01c1311b4c67fcf20d2b3850a88", "Oxford 102 flowers"},
	{Food, s3Image + "food-101.tgz", 5686607260, "1a540ebf1fb40b2bf3f2294234ba7907", "Food-101: 101 dishes, 101 000 pictures"},
	{"caltech101", s3Image + "caltech_101.tgz", 131740031, "d673425306e98ee4619fcdeef8a0e876", "Caltech 101"},
	{"cars", s3Image + "stanford-cars.tgz", 1957803273, "9045d6673c9ced0889f41816f6bf2f9f", "Stanford cars: 196 models"},
	{"birds", s3Image + "CUB_200_2011.tgz", 1150585339, "d2acaa99439dff0483c7bbac1bfe2a92", "Caltech-UCSD birds 200, 2011"},
	{MNIST, s3Image + "mnist_png.tgz", 15683414, "03639f83c4e3d19e0a3a53a8a997c487", "MNIST handwritten digits, 28×28"},
	{MNISTSample, s3Samp + "mnist_sample.tgz", 3214948, "2dbc7ec6f9259b583af0072c55816a88", "MNIST's threes and sevens"},
	{MNISTTiny, s3Samp + "mnist_tiny.tgz", 342207, "56143e8f24db90d925d82a5a74141875", "1 400 of MNIST's threes and sevens"},
	{"mnist-var-size-tiny", s3Image + "mnist_var_size_tiny.tgz", 565372, "b71a930f4eb744a4a143a6c7ff7ed67f", "the same in various sizes"},
	{DogsCats, s3Samp + "dogscats.tgz", 839285364, "3e483c8d6ef2175e9d395a6027eb92b7", "Dogs versus cats: 25 000 pictures"},
}

// other spellings: fastai's constants and the archives' own names.
var aliases = map[string]string{
	"oxford-iiit-pet": Pets, "cifar10": CIFAR, "cifar-10": CIFAR, "cifar-100": CIFAR100,
	"imagenette2": Imagenette, "imagenette2-160": Imagenette160, "imagenette2-320": Imagenette320,
	"imagewoof2": Imagewoof, "imagewoof2-160": Imagewoof160, "imagewoof2-320": Imagewoof320,
	"oxford-102-flowers": Flowers, "food-101": Food, "caltech-101": "caltech101",
	"stanford-cars": "cars", "cub-200-2011": "birds", "dogs": DogsCats,
}

// List returns the known data sets, sorted by name.
func List() []Dataset {
	d := slices.Clone(known)
	sort.Slice(d, func(i, j int) bool { return d[i].Name < d[j].Name })
	return d
}

// Find returns the known data set of a name, whatever its case and with
// _ for -; fastai's own spellings (imagenette_160, cifar_100) are known too.
func Find(name string) (Dataset, bool) {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	if a, ok := aliases[name]; ok {
		name = a
	}
	for _, d := range known {
		if d.Name == name {
			return d, true
		}
	}
	return Dataset{}, false
}
