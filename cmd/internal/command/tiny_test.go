package command

import (
	"testing"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/preprocess"
	"github.com/whippet-ml/whippet/rng"
)

// tiny saves a model of two classes at path.
func tiny(t *testing.T, path string) {
	t.Helper()
	c := models.NewClassifier(models.ResNet10Small, 2, rng.New(3))
	info := models.Info{Vocab: []string{"cat", "dog"}, Preprocess: preprocess.Config{Presize: 40, Method: preprocess.Crop, Size: 32, Stats: preprocess.ImageNetStats}}
	if err := models.Save(path, c, info); err != nil {
		t.Fatal(err)
	}
}
