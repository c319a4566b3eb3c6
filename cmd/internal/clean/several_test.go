package clean

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/whippet-ml/whippet/cmd/internal/localweb"
	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/interpret"
)

// severalSet is pictures with any number of labels.
func severalSet() *Set {
	return &Set{Vocab: []string{"people", "sand; dunes", "sea"}, Several: true, Pictures: []Picture{
		{Path: "/d/a.jpg", Name: "a.jpg", Labels: []int{0, 2}}, {Path: "/d/b.jpg", Name: "b.jpg", Labels: []int{}, Valid: true},
		{Path: "/d/c.jpg", Name: "c.jpg", Labels: []int{1}},
	}}
}

func TestReviewOfSeveralLabels(t *testing.T) {
	out, s := filepath.Join(t.TempDir(), "cleaned.csv"), severalSet()
	r, err := OpenReview(out, s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := table(t, out), "path,labels,is_valid\na.jpg,people|sea,false\nb.jpg,,true\nc.jpg,sand; dunes,false\n"; got != want {
		t.Errorf("at the beginning the table is\n%s, want\n%s", got, want)
	}
	if err := r.Decide(map[int]*Decision{0: {Action: Relabel}, 1: {Action: Relabel, Labels: []string{"sand; dunes", "sea"}}, 2: {Action: Keep}}); err != nil {
		t.Fatal(err)
	}
	want := "path,labels,is_valid\na.jpg,,false\nb.jpg,sand; dunes|sea,true\nc.jpg,sand; dunes,false\n"
	if got := table(t, out); got != want {
		t.Errorf("the table is\n%s, want\n%s", got, want)
	}
	again, err := OpenReview(out, s) // another process goes on
	if err != nil {
		t.Fatal(err)
	}
	if d, ok := again.Decision(1); !ok || !reflect.DeepEqual(d, Decision{Action: Relabel, Labels: []string{"sand; dunes", "sea"}}) {
		t.Errorf("decision %+v", d)
	}
	for name, d := range map[string]Decision{
		`"fog" is not one`:     {Action: Relabel, Labels: []string{"sea", "fog"}},
		`"sea" is given twice`: {Action: Relabel, Labels: []string{"sea", "sea"}},
		`given as labels`:      {Action: Relabel, Label: "sea"},
		`takes no label`:       {Action: Keep, Labels: []string{"sea"}},
	} {
		if err := again.Decide(map[int]*Decision{0: &d}); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%+v: error %v, want one with %q", d, err, name)
		}
	}
	one := smallSet()
	if err := (Decision{Action: Relabel, Label: "dog", Labels: []string{"dog"}}).check(one); err == nil {
		t.Error("several labels for a picture that has one were taken")
	}
	s.Vocab = []string{"a;b|c,d/e\tf", ";;"}
	if _, err := s.Delimiter(); err == nil || !strings.Contains(err.Error(), "no character") {
		t.Errorf("labels with every separator in them: %v", err)
	}
}

func TestQueueOfSeveralLabels(t *testing.T) {
	s := severalSet()
	q := NewQueue(s, []*interpret.Table{{Vocab: s.Vocab, Rows: []interpret.Row{
		{Path: "/d/a.jpg", Actual: interpret.NoClass, Probs: []float32{0.2, 0.9, 0.8}, Loss: 1.5, Labels: []string{"people", "sea"}, Answers: []string{"sea", "sand; dunes"}},
		{Path: "/d/c.jpg", Actual: interpret.NoClass, Probs: []float32{0.1, 0.3, 0.2}, Loss: 0.5, Labels: []string{"sand; dunes"}, Answers: []string{}},
	}}}, 5, nil)
	want := map[int]Opinion{
		0: {Loss: 1.5, Answer: []int{1, 2}, Top: []Guess{{1, 0.9}, {2, 0.8}, {0, 0.2}}},
		2: {Loss: 0.5, Answer: []int{}, Top: []Guess{{1, 0.3}, {2, 0.2}, {0, 0.1}}},
	}
	if !reflect.DeepEqual(q.Opinions, want) {
		t.Errorf("opinions %+v, want %+v", q.Opinions, want)
	}
}

func TestRequestOfSeveralLabels(t *testing.T) {
	s := severalSet()
	s.Open = func(string) (*data.Image, error) { return data.NewImage(4, 4), nil }
	r, err := OpenReview(filepath.Join(t.TempDir(), "out.csv"), s)
	if err != nil {
		t.Fatal(err)
	}
	p := NewPage(r, &Queue{Cases: []Case{{Pictures: []int{0}}, {Pictures: []int{1}}}}, "several")
	srv := httptest.NewServer(localweb.Guard(p))
	t.Cleanup(srv.Close)
	ask := func(method, path, body string) (int, string) {
		req, err := http.NewRequest(method, srv.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set(keyHeader, p.key)
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	if code, said := ask("POST", "/api/decide", `{"decisions":[{"picture":1,"action":"relabel","labels":["sea"]}]}`); code != 200 || !strings.Contains(said, `"relabeled":1`) {
		t.Errorf("relabeling: %d %s", code, said)
	}
	if code, said := ask("POST", "/api/decide", `{"decisions":[{"picture":0,"action":"relabel","labels":["fog"]}]}`); code != 400 || !strings.Contains(said, "not one of") {
		t.Errorf("an unknown label: %d %s", code, said)
	}
	code, said := ask("GET", "/api/review", "")
	for _, want := range []string{`"several":true`, `"labels":[0,2]`, `"labels":[]`, `"decision":{"action":"relabel","labels":["sea"]}`} {
		if code != 200 || !strings.Contains(said, want) {
			t.Errorf("the review has no %s: %d %s", want, code, said)
		}
	}
}
