package serve

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const studioConfig = `<View><Image name="img" value="$image"/><Choices name="what" toName="img" choice="single"><Choice value="Cat"/><Choice value="dog"/><Choice value="été"/></Choices></View>`

// ask posts v as Label Studio does and returns the status and the answer.
func ask(t *testing.T, url string, v any) (int, map[string]json.RawMessage) {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.Post(url, "application/json", strings.NewReader(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	got := map[string]json.RawMessage{}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, got
}

// TestLabelStudio asks about pictures in all forms that tasks have, and about some that must not be opened.
func TestLabelStudio(t *testing.T) {
	picture := pngPicture(t, 60, 50, 1)
	const key = "0123456789abcdef"
	var foreign *httptest.Server
	ls := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/away":
			http.Redirect(w, r, foreign.URL+"/secret", http.StatusFound)
		case r.Header.Get("Authorization") != "Token "+key:
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/data/upload/1/a.png":
			_, _ = w.Write(picture)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer ls.Close()
	asked := 0
	foreign = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		_, _ = w.Write(picture)
	}))
	defer foreign.Close()
	friend := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			w.WriteHeader(http.StatusTeapot) // the token is not for others
			return
		}
		_, _ = w.Write(picture)
	}))
	defer friend.Close()

	dir := t.TempDir()
	files := filepath.Join(dir, "files")
	if err := os.MkdirAll(filepath.Join(files, "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"files/a/b c.png": picture, "outside.png": picture, "key": []byte(key + "\n")} {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, h, _ := newServer(t, Options{LabelStudio: &LabelStudio{URL: ls.URL, KeyFile: filepath.Join(dir, "key"), Files: files, Hosts: []string{strings.TrimPrefix(friend.URL, "http://")}}})
	at := h.URL + "/label-studio"

	res, err := http.Get(at + "/health")
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(b), `"UP"`) {
		t.Errorf("health: %s %s, %v", res.Status, b, err)
	}
	status, setup := ask(t, at+"/setup", map[string]string{"project": "1.2", "schema": studioConfig, "hostname": foreign.URL, "access_token": "x"})
	if status != 200 || !strings.HasPrefix(string(setup["model_version"]), `"pets:`) {
		t.Errorf("setup: %d %s", status, setup)
	}
	if _, v := ask(t, at+"/versions", map[string]string{"project": "1.2"}); string(v["versions"]) != "["+string(setup["model_version"])+"]" {
		t.Errorf("versions: %s", v)
	}

	cases := []struct{ image, says string }{
		{"/data/upload/1/a.png", ""},
		{ls.URL + "/data/upload/1/a.png", ""},
		{"/data/local-files/?d=a/b%20c.png", ""},
		{friend.URL + "/x.png", ""},
		{"data:image/png;base64," + base64.StdEncoding.EncodeToString(picture), ""},
		{"/data/local-files/?d=../outside.png", "is not in the folder"},
		{"/data/local-files/?d=a", "is no file"},
		{foreign.URL + "/secret", "pictures are not fetched from"},
		{"/away", "pictures are not fetched from"},
		{"s3://bucket/a.png", `begin with "s3:"`},
		{"file:///etc/passwd", `begin with "file:"`},
		{"/data/upload/1/none.png", "404"},
		{"data:image/png;base64,!", "base64"},
		{"", "no picture"},
	}
	var tasks []map[string]any
	for i, c := range cases {
		tasks = append(tasks, map[string]any{"id": i, "data": map[string]any{"other": []int{1}, "image": c.image}})
	}
	status, got := ask(t, at+"/predict", map[string]any{"tasks": tasks, "project": "1.2", "label_config": studioConfig, "params": map[string]any{"context": nil}})
	var results []studioResult
	if err := json.Unmarshal(got["results"], &results); status != 200 || err != nil || len(results) != len(cases) {
		t.Fatalf("predict: %d %s, %v", status, got, err)
	}
	for i, c := range cases {
		r := results[i]
		if c.says != "" {
			if !strings.Contains(r.Error, c.says) || r.Result != nil {
				t.Errorf("%s: %+v does not say %q", c.image, r, c.says)
			}
			continue
		}
		if r.Error != "" || len(r.Result) != 1 || fmt.Sprint(r.Result) != fmt.Sprint(results[0].Result) || r.Result[0].FromName != "what" || r.Result[0].ToName != "img" ||
			r.Result[0].Type != "choices" || len(r.Result[0].Value["choices"]) != 1 || !(r.Score > 0.3 && r.Score <= 1) {
			t.Errorf("%s: %+v", c.image, r)
		}
		if c := r.Result[0].Value["choices"][0]; c != "Cat" && c != "dog" && c != "été" {
			t.Errorf("%q is no choice of the interface", c)
		}
	}
	if asked > 0 {
		t.Errorf("%d requests went to a host that is not allowed", asked)
	}

	for path, c := range map[string]struct {
		body   any
		status int
		says   string
	}{
		"/webhook?1":         {map[string]any{"action": "ANNOTATION_CREATED"}, 200, "ignored"},
		"/webhook?2":         {map[string]any{"action": "START_TRAINING", "project": map[string]int{"id": 1}}, 501, "whippet train"},
		"/fit":               {map[string]any{}, 501, "does not train"},
		"/train":             {map[string]any{"annotations": []int{}}, 501, "does not train"},
		"/setup?1":           {map[string]any{"schema": `<View><Text name="t" value="$t"/></View>`}, 400, "for an "},
		"/setup?2":           {map[string]any{"schema": strings.NewReplacer("Cat", "a", "dog", "b", "été", "c").Replace(studioConfig)}, 400, "is a choice"},
		"/setup?3":           {map[string]any{"schema": "<View>"}, 400, "not XML"},
		"/predict?1":         {map[string]any{"label_config": studioConfig}, 400, "no tasks"},
		"/predict?2":         {[]int{1}, 400, "not JSON as Label Studio"},
		"/predict?3":         {map[string]any{"label_config": studioConfig, "tasks": make([]int, maxStudioTasks+1)}, 413, "limit"},
		"/models/none/setup": {map[string]any{}, 404, "there is no model"},
		"/models/pets/setup": {map[string]any{"schema": studioConfig}, 200, "pets:"},
	} {
		status, got := ask(t, at+path, c.body)
		if said := fmt.Sprintf("%s", got); status != c.status || !strings.Contains(said, c.says) {
			t.Errorf("%s: %d %s, want %d and %q", path, status, said, c.status, c.says)
		}
	}
}

func TestLabelStudioOptions(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for says, o := range map[string]LabelStudio{
		"want such as":  {URL: "localhost:8080"},
		"is no host":    {URL: "http://localhost", Hosts: []string{"http://x"}},
		"the token of":  {URL: "http://localhost", KeyFile: none},
		"the folder of": {URL: "http://localhost", Files: none},
	} {
		if _, err := newStudio(o, 1); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%+v: %v does not say %q", o, err, says)
		}
	}
}

// TestLabelStudioPersonalToken fetches two pictures with a personal access token, for which Label Studio
// gives another one once.
func TestLabelStudioPersonalToken(t *testing.T) {
	given := 0
	ls := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		switch {
		case r.Method == "POST" && r.URL.Path == "/api/token/refresh" && string(b) == `{"refresh":"aa.bb.cc"}`:
			given++
			_, _ = w.Write([]byte(`{"access":"dd.ee.ff"}`))
		case r.Header.Get("Authorization") == "Bearer dd.ee.ff":
			_, _ = w.Write([]byte("picture"))
		default:
			w.WriteHeader(http.StatusUnauthorized)
		}
	}))
	defer ls.Close()
	key := filepath.Join(t.TempDir(), "key")
	for token, says := range map[string]string{"aa.bb.cc": "", "xx.bb.cc": "--label-studio-key"} {
		if err := os.WriteFile(key, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		s, err := newStudio(LabelStudio{URL: ls.URL, KeyFile: key}, 100)
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			b, err := s.read(t.Context(), "/data/upload/1/a.png")
			if says == "" && (err != nil || string(b) != "picture") || says != "" && (err == nil || !strings.Contains(err.Error(), says)) {
				t.Errorf("%s: %q, %v; want an error with %q", token, b, err, says)
			}
		}
	}
	if given != 1 {
		t.Errorf("a token was asked for %d times, want once", given)
	}
}
