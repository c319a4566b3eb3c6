package fastai

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/whippet-ml/whippet/internal/pickle"
)

// maxClasses bounds the vocabulary; ImageNet's largest has 21 841.
const maxClasses = 1 << 16

// vocabulary returns the classes of a Categorize's CategoryMap as learner.predict
// shows them: by Python's str.
func vocabulary(v any) ([]string, error) {
	list, err := items(v)
	if err != nil {
		return nil, fmt.Errorf("the vocabulary is %w", err)
	}
	if len(list) > maxClasses {
		return nil, fmt.Errorf("the vocabulary has %d classes, the limit is %d", len(list), maxClasses)
	}
	names := make([]string, len(list))
	seen := map[string]int{}
	for i, x := range list {
		name, err := str(x)
		if err != nil {
			return nil, fmt.Errorf("class %d of the vocabulary is %w; labels are text, numbers or booleans", i+1, err)
		}
		if first := seen[name]; first > 0 {
			return nil, fmt.Errorf("classes %d and %d of the vocabulary both read %q", first, i+1, shown(name))
		}
		if strings.TrimSpace(name) == "" {
			return nil, fmt.Errorf("class %d of the vocabulary has no name", i+1)
		}
		names[i], seen[name] = name, i+1
	}
	return names, nil
}

// str is Python's str of a label.
func str(v any) (string, error) {
	if o, ok := v.(*pickle.Object); ok {
		x, err := scalar(o)
		if err != nil {
			return "", err
		}
		v = x
	}
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		if v {
			return "True", nil
		}
		return "False", nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return floatText(v), nil
	}
	return "", fmt.Errorf("a %s", pickle.KindOf(v))
}

// floatText is Python's repr of a float: the shortest digits, positional for
// exponents from -4 to 15.
func floatText(v float64) string {
	switch {
	case math.IsNaN(v):
		return "nan"
	case math.IsInf(v, 0):
		return strings.ToLower(strings.TrimPrefix(strconv.FormatFloat(v, 'g', -1, 64), "+"))
	}
	if a := math.Abs(v); v != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
