package run

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestSameAs changes each setting of the configuration, those of later versions
// among them, and wants it refused by its name, but for the ones that may change.
func TestSameAs(t *testing.T) {
	base := Default()
	base.Data, base.Seed = "photos", 7
	base.LRChanges = []LRChange{{10, "1e-3"}}
	saved, err := json.Marshal(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := base.SameAs(saved); err != nil {
		t.Errorf("the same settings: %v", err)
	}
	for _, field := range reflect.VisibleFields(reflect.TypeFor[Config]()) {
		if field.Anonymous {
			continue
		}
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		c := base
		v := reflect.ValueOf(&c).Elem().FieldByIndex(field.Index)
		switch field.Type.Kind() {
		case reflect.String:
			v.SetString(v.String() + "x")
		case reflect.Bool:
			v.SetBool(!v.Bool())
		case reflect.Int:
			v.SetInt(v.Int() + 1)
		case reflect.Uint32, reflect.Uint64:
			v.SetUint(v.Uint() + 1)
		case reflect.Float64:
			v.SetFloat(v.Float() + 0.125)
		case reflect.Pointer:
			v.Set(reflect.New(field.Type.Elem()))
		case reflect.Slice:
			c.LRChanges = []LRChange{{10, "2e-3"}}
		default:
			t.Fatalf("%s has a kind that this test does not change: %v", name, field.Type)
		}
		err := c.SameAs(saved)
		if mayChange[name] {
			if err != nil {
				t.Errorf("%s may change: %v", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "config.json has changed") || !strings.Contains(err.Error(), ": "+name+" is ") {
			t.Errorf("%s: error %v, want one that names it", name, err)
		}
	}

	c := base
	c.LRChanges = append(c.LRChanges, LRChange{20, "1e-4"})
	if err := c.SameAs(saved); err != nil {
		t.Errorf("another change of the learning rate: %v", err)
	}
	c.LRChanges = nil
	if err := c.SameAs(saved); err == nil || !strings.Contains(err.Error(), "lr_changes") {
		t.Errorf("a change of the learning rate taken away: %v", err)
	}
	if err := c.SameAs(nil); err != nil {
		t.Errorf("a checkpoint without settings: %v", err)
	}
}
