package data

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"
)

// utf16le is text as spreadsheets save it for "Unicode text".
func utf16le(s string) string {
	var b bytes.Buffer
	b.WriteString("\xff\xfe")
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteByte(byte(u))
		b.WriteByte(byte(u >> 8))
	}
	return b.String()
}

// utf32be is text in UTF-32 with its mark.
func utf32be(s string) string {
	b := []byte("\x00\x00\xfe\xff")
	for _, r := range s {
		b = binary.BigEndian.AppendUint32(b, uint32(r))
	}
	return string(b)
}

// TestTablesOfPeople reads tables as people have them: what is left open is
// found out, and said.
func TestTablesOfPeople(t *testing.T) {
	flat := []string{"a.png", "b.png", "c.png"}
	for _, c := range []struct {
		name     string
		pictures []string
		table    string
		csv      CSV
		paths    []string // below the root; empty takes all pictures
		label    string   // of the first row
		says     []string // in the notes, or in the error
		fails    bool
	}{
		{"no header", flat, "a.png,cat\nb.png,dog\nc.png,cat\n", CSV{}, nil, "cat", []string{"3 rows", "no header"}, false},
		{"no header, its first picture missing", flat, "gone.png,cat\na.png,dog\nb.png,cat\nc.png,dog\n", CSV{}, []string{"gone.png", "a.png", "b.png", "c.png"}, "cat", []string{"no header", "without a picture: line 1"}, false},
		{"no header, two cells alike", flat, "a.png,a.png\nb.png,cat\nc.png,dog\n", CSV{}, nil, "a.png", []string{"no header"}, false},
		{"a header", flat, "file,breed\na.png,cat\nb.png,dog\nc.png,cat\n", CSV{}, nil, "cat", []string{`columns "file", "breed"`, `by column "file"`}, false},
		{"tabs", flat, "file\tbreed\na.png\tcat, small\nb.png\tdog\nc.png\tcat\n", CSV{}, nil, "cat, small", []string{"tabs"}, false},
		{"semicolons, commas in every row", flat, "file;size\na.png;0,5\nb.png;1,5\nc.png;2,5\n", CSV{}, nil, "0,5", []string{"semicolons"}, false},
		{"commas, two labels with a semicolon in every row", flat, "file,tags\na.png,cat;small\nb.png,dog;big\nc.png,cat;big\n", CSV{}, nil, "cat;small", []string{"commas"}, false},
		{"UTF-16 with tabs", flat, utf16le("file\tbreed\r\na.png\tKöter\r\nb.png\tdog\r\nc.png\tcat\r\n"), CSV{}, nil, "Köter", []string{"UTF-16", "tabs"}, false},
		{"Windows-1252", flat, "file;breed\r\na.png;K\xf6ter\r\nb.png;dog\r\nc.png;cat\r\n", CSV{}, nil, "Köter", []string{"Windows-1252"}, false},
		{"the label first", flat, "breed,file\ncat,a.png\ndog,b.png\ncat,c.png\n", CSV{}, nil, "cat", []string{`by column "file"`}, false},
		{"the label first, no header", flat, "cat,a.png\ndog,b.png\ncat,c.png\n", CSV{}, nil, "cat", []string{"no header", `by column "1"`}, false},
		{"an index, the path third", flat, ",breed,file\n0,cat,a.png\n1,dog,b.png\n2,cat,c.png\n", CSV{}, nil, "cat", []string{`by column "file"`}, false},
		{"no extensions", flat, "id,label\na,cat\nb,dog\nc,cat\n", CSV{}, nil, "cat", []string{"without their extension"}, false},
		{"one folder higher", flat, "file,label\nimages/a.png,cat\nimages/b.png,dog\nimages/c.png,cat\n", CSV{}, nil, "cat", []string{"folders above"}, false},
		{"one folder lower, no extensions", []string{"train/a.png", "train/b.png"}, "id,label\na,cat\nb,dog\n", CSV{}, nil, "cat", []string{"leaves out", "without their extension"}, false},
		{"back slashes", []string{"x/a.png", "x/b.png"}, "file,label\nx\\a.png,cat\nx\\b.png,dog\n", CSV{}, nil, "cat", nil, false},
		{"other case", flat, "file,label\nA.PNG,cat\nB.PNG,dog\nC.PNG,cat\n", CSV{}, nil, "cat", []string{"upper and lower case"}, false},
		{"the path column by number", flat, "a.png,b.png,cat\nb.png,c.png,dog\n", CSV{PathColumn: "1"}, []string{"b.png", "c.png"}, "a.png", []string{"1 picture of 3 below the folder not used", "a.png"}, false},
		{"rows and pictures too many", flat, "file,label\na.png,cat\nb.png,dog\ngone.png,cat\n", CSV{}, []string{"a.png", "b.png", "gone.png"}, "cat", []string{`1 row of 3 in t.csv without a picture: line 4, "gone.png"`, "1 picture of 3 below the folder not used"}, false},

		{"spaces", flat, "a.png cat\nb.png dog\nc.png cat\n", CSV{}, nil, "cat", []string{"separated by spaces", "no header"}, false},
		{"spaces in names", []string{"my a.png", "my b.png"}, "file,label\nmy a.png,red cat\nmy b.png,old dog\n", CSV{}, nil, "red cat", []string{"commas"}, false},
		{"UTF-32", flat, utf32be("file,label\na.png,Köter\nb.png,dog\nc.png,cat\n"), CSV{}, nil, "Köter", []string{"UTF-32"}, false},
		{"a line for Excel", flat, "sep=;\r\nfile;label\r\na.png;cat\r\nb.png;dog\r\nc.png;cat\r\n", CSV{}, nil, "cat", []string{"semicolons", `columns "file", "label"`}, false},
		{"a line for Excel, tabs", flat, "\"sep=\t\"\na.png\tcat\nb.png\tdog\nc.png\tcat\n", CSV{}, nil, "cat", []string{"tabs", "no header"}, false},
		{"carriage returns alone", flat, "file,label\ra.png,cat\rb.png,dog\rc.png,cat\r", CSV{}, nil, "cat", []string{"3 rows"}, false},
		{"an index, no header", flat, "0,a.png,cat\n1,b.png,dog\n2,c.png,cat\n", CSV{}, nil, "cat", []string{`by column "1"`}, false},
		{"an index without a name, label first", flat, ",no,kind,file\n0,7,cat,a.png\n1,8,dog,b.png\n2,9,cat,c.png\n", CSV{}, nil, "cat", []string{`by column "file"`}, false},
		{"accents encoded otherwise", []string{"\u00e9a.png", "\u00e9b.png"}, "file,label\ne\u0301a.png,cat\ne\u0301b.png,dog\n", CSV{}, nil, "cat", []string{"accents encoded otherwise"}, false},

		{"single quotes", flat, "'file','label'\n'a.png','cat, ''small'''\n'b.png','5\" dog'\n'c.png','cat'\n", CSV{}, nil, "cat, 'small'", []string{"in quotes that are not"}, false},
		{"single quotes where needed", []string{"a, b.png", "c.png"}, "'a, b.png',cat\nc.png,dog\n", CSV{}, nil, "cat", []string{"no header"}, false},
		{"single quotes around labels", flat, "file,label\na.png,'cat'\nb.png,'dog''s'\nc.png,'cat'\n", CSV{}, nil, "cat", []string{"in quotes that are not"}, false},
		{"single quotes, Windows-1252", flat, "'a.png';'K\xf6ter'\n'b.png';'dog'\n'c.png';'cat'\n", CSV{}, nil, "Köter", []string{"Windows-1252", "semicolons"}, false},
		{"apostrophes", flat, "file,label\na.png,'tis\nb.png,dog's\nc.png,cats'\n", CSV{}, nil, "'tis", nil, false},
		{"typographic quotes", flat, "“file”,“label”\n“a.png”,“cat”\n“b.png”,“dog”\n“c.png”,“cat”\n", CSV{}, nil, "cat", []string{"in quotes that are not"}, false},
		{"spaces after commas", flat, "file, label\na.png, cat\nb.png, dog\nc.png, cat\n", CSV{}, nil, "cat", []string{`columns "file", "label"`}, false},
		{"spaces before quotes", flat, "\"file\", \"label\"\n\"a.png\", \"cat, small\"\n\"b.png\", \"dog\"\n\"c.png\", \"cat\"\n", CSV{}, nil, "cat, small", []string{"odd places"}, false},
		{"a mark of inches", flat, "file,label\na.png,5\" cat\nb.png,\"dog, big\"\nc.png,7\" cat\n", CSV{}, nil, `5" cat`, nil, false},
		{"quotes not closed", flat, "file,label\na.png,\"cat\nb.png,dog\nc.png,cat\n", CSV{}, nil, "", []string{"line 2 are not closed"}, true},
		{"quotes not closed, a mark of inches", flat, "file,label\na.png,5\" cat\nb.png,\"dog\nc.png,cat\n", CSV{}, nil, "", []string{"line 2 has the mark"}, true},

		{"zeros lost", []string{"00012.png", "00107.png", "10012.png"}, "id,label\n12,cat\n107,dog\n10012,cat\n", CSV{}, nil, "cat", []string{"lost their leading zeros", `("12" is 00012.png)`}, false},
		{"zeros lost, with extensions, in a folder", []string{"x/0.png", "x/0001.png", "x/0012.png"}, "id,label\n0.png,cat\n1.png,dog\n12.png,cat\n", CSV{}, nil, "cat", []string{"lost their leading zeros"}, false},
		{"zeros lost, a gap in the column", []string{"00012.png", "00107.png"}, "id,label\n12.0,cat\n107.0,dog\n", CSV{}, nil, "cat", []string{"lost their leading zeros"}, false},
		{"zeros lost, two pictures", []string{"00012.png", "012.png", "0107.png"}, "id,label\n12,cat\n107,dog\n", CSV{}, nil, "", []string{`line 2: "12" may be 00012.png or 012.png`, "write the names in full"}, true},
		{"digits lost", []string{"1234567890123.png", "1234567890124.png"}, "id,label\n1.23457E+12,cat\n1.23457E+12,dog\n", CSV{}, nil, "", []string{"have lost their digits"}, true},

		{"labels are numbers, as names", []string{"0.png", "1.png", "2.png", "3.png"}, "label,id\n1,0\n1,3\n0,1\n0,2\n", CSV{}, []string{"0.png", "3.png", "1.png", "2.png"}, "1", []string{`by column "id"`}, false},
		{"an index that names pictures", []string{"0.png", "1.png", "2.png"}, ",id,label\n0,2,cat\n1,0,dog\n2,1,cat\n", CSV{}, []string{"2.png", "0.png", "1.png"}, "cat", []string{`by column "id"`}, false},
		{"two columns name pictures", []string{"0.png", "1.png", "2.png"}, "row,id,label\n0,2,cat\n1,0,dog\n2,1,cat\n", CSV{}, nil, "", []string{`"row" and "id"`, "PathColumn", `line 2: "0" and "2"`}, true},
		{"two columns name the same", []string{"x/a.png", "x/b.png"}, "id,path,is_valid,kind\na,x/a.png,0,cat\nb,x/b.png,1,dog\n", CSV{}, nil, "cat", nil, false},
		{"rows twice", flat, "file,label\na.png,cat\nb.png,dog\na.png,cat\nc.png,cat\n", CSV{}, nil, "cat", []string{"1 row of 4 in t.csv left out, for an earlier one is the same: line 4"}, false},
		{"one picture, two labels", flat, "file,label\na.png,cat\nb.png,dog\na.png,dog\n", CSV{}, nil, "", []string{`lines 2 and 4 both name the picture a.png and differ (label: "cat" and "dog")`}, true},
		{"two encodings", flat, "file,label\na.png,Köter\nb.png,K\xf6ter\nc.png,cat\n", CSV{}, nil, "", []string{"line 3 is not in UTF-8"}, true},
		{"an encoding of Chinese", flat, "file,label\na.png,\x81\x40\x8d\nb.png,dog\nc.png,cat\n", CSV{}, nil, "", []string{"line 2 is neither in UTF-8", "save the table as UTF-8"}, true},
		{"an extension left out, two pictures", []string{"a.png", "a.PNG", "b.png"}, "id,label\na,cat\nb,dog\n", CSV{}, nil, "", []string{"write the extension"}, true},

		{"no header, labels are numbers, column by number", flat, "a.png 0\nb.png 1\nc.png 0\n", CSV{PathColumn: "0"}, nil, "0", []string{"no header", `by column "0"`}, false},
		{"no header, label first, labels are numbers, column by number", flat, "1,a.png\n0,b.png\n1,c.png\n", CSV{PathColumn: "1"}, nil, "1", []string{"no header", `by column "1"`}, false},
		{"a header that is a number, column by name", flat, "0,1\ncat,a.png\ndog,b.png\ncat,c.png\n", CSV{PathColumn: "1"}, nil, "cat", []string{`columns "0", "1"`}, false},
		{"rows of different lengths, tabs", flat, "file\tlabel\na.png\tcat\t\nb.png\tdog\n", CSV{}, nil, "", []string{"line 2 has 3 columns and the first line has 2, cut at tabs"}, true},
		{"a title above the table", flat, "My cats\nfile;label\na.png;cat\nb.png;dog\n", CSV{}, nil, "", []string{"line 2 has 2 columns, cut at semicolons", "is a title"}, true},
		{"several spaces", flat, "a.png   cat\nb.png  dog\nc.png cat\n", CSV{}, nil, "cat", []string{"separated by spaces"}, false},
		{"two carriage returns", flat, "file,label\r\r\na.png,cat\r\r\nb.png,dog\r\r\nc.png,cat\r\r\n", CSV{}, nil, "cat", []string{`columns "file", "label"`}, false},
		{"pictures that were converted", flat, "file,label\na.tif,cat\nb.tif,dog\nc.tif,cat\n", CSV{}, nil, "cat", []string{"with another extension"}, false},
		{"addresses on the web", flat, "file,label\nhttps://x.example/d/a.png?w=1,cat\nhttps://x.example/d/b.png?w=1,dog\nhttps://x.example/d/c.png,cat\n", CSV{}, nil, "cat", []string{"folders above"}, false},
		{"labels are numbers, another folder's table", []string{"0.png", "1.png", "2.png"}, "file,label\nq.png,0\nr.png,1\ns.png,0\nt.png,1\nu.png,1\n", CSV{}, nil, "", []string{"no row of the table", "q.png"}, true},
		{"a line for Excel, a row too long", flat, "sep=,\nfile,label\na.png,cat\nb.png,dog,small\n", CSV{}, nil, "", []string{"line 4 has 3 columns"}, true},
		{"one picture in two rows", flat, "file,label\na.png,cat\nb.png,dog\n./a.png,dog\n", CSV{}, nil, "", []string{"lines 2 and 4", "a.png"}, true},
		{"one name in two folders", []string{"x/a.png", "y/a.png", "y/b.png", "y/c.png"}, "file,label\na.png,cat\nb.png,dog\nc.png,dog\n", CSV{}, nil, "", []string{"line 2", "x/a.png or y/a.png"}, true},
		{"another folder's table", flat, "file,label\nq.png,cat\nr.png,dog\n", CSV{}, nil, "", []string{"no row of the table", "q.png", "a.png"}, true},
		{"no such column", flat, "file,label\na.png,cat\n", CSV{PathColumn: "path"}, nil, "", []string{`no column "path"`}, true},
		{"a row too long", flat, "file,label\na.png,cat\nb.png,dog,small\n", CSV{}, nil, "", []string{"line 3 has 3 columns and the first line has 2"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string][]byte{"t.csv": []byte(c.table)}
			for i, p := range c.pictures {
				files[p] = picture(4, 4, uint64(i))
			}
			root := write(t, files)
			c.csv.File, c.csv.Images = "t.csv", pngs{}
			tab, err := c.csv.Table(context.Background(), root)
			said := fmt.Sprint(err)
			if !c.fails {
				if err != nil {
					t.Fatal(err)
				}
				said = strings.Join(tab.Notes, "\n")
			}
			for _, want := range c.says {
				if !strings.Contains(said, want) {
					t.Errorf("it says\n%s\nwithout %q", said, want)
				}
			}
			if c.fails {
				if err == nil {
					t.Error("accepted")
				}
				return
			}
			if len(c.paths) == 0 {
				c.paths = c.pictures
			}
			var got []string
			for _, p := range tab.paths {
				got = append(got, relative(root, p))
			}
			label, err := tab.LabelColumn()
			if err != nil {
				t.Fatal(err)
			}
			k, _ := tab.Column(label)
			if !slices.Equal(got, c.paths) || tab.Rows[0][k] != c.label {
				t.Errorf("pictures %q, first label %q of column %q; want %q and %q", got, tab.Rows[0][k], label, c.paths, c.label)
			}
		})
	}
}

func TestLookAlikes(t *testing.T) {
	for _, c := range []struct {
		labels []string
		want   string // in the only warning; "" for none
	}{
		{[]string{"cat", "dog", "cats"}, ""},
		{[]string{"cat", "Cat", "Cat"}, `"Cat" (2) and "cat" (1) differ in upper and lower case`},
		{[]string{"caf\u00e9", "cafe\u0301"}, "composed and decomposed"},
		{[]string{"great dane", "great_dane", "great  dane"}, "spaces, dashes or underscores"},
		{[]string{"cat", "cat "}, "spaces, dashes or underscores"},
		{[]string{"c\u0430t", "cat"}, "look the same"},
	} {
		got := lookAlikes(c.labels)
		if (c.want == "") != (len(got) == 0) || len(got) > 1 || len(got) == 1 && !strings.Contains(got[0], c.want) {
			t.Errorf("%q: %q, want one with %q", c.labels, got, c.want)
		}
	}
}

// TestBatchOfFewPictures: a batch size that was left open fits the set.
func TestBatchOfFewPictures(t *testing.T) {
	for _, c := range []struct{ train, batch int }{{1, 2}, {2, 2}, {7, 2}, {23, 8}, {63, 16}, {64, 64}, {1000, 64}} {
		d := &DataLoaders{}
		if b := (Block{}).batchSizes(c.train, d); b.BatchSize != c.batch || (c.batch < DefaultBatchSize) != (len(d.Notes) == 1) {
			t.Errorf("%d pictures: batches of %d, notes %q; want %d", c.train, b.BatchSize, d.Notes, c.batch)
		}
		if b := (Block{BatchSize: 32}).batchSizes(c.train, &DataLoaders{}); b.BatchSize != 32 {
			t.Errorf("a given batch of 32 became %d", b.BatchSize)
		}
	}
}

// TestFilesWithoutExtensions: the content tells where the name does not.
func TestFilesWithoutExtensions(t *testing.T) {
	root := write(t, map[string][]byte{"a.png": {1}, "b": {1}, "c.0001": {1}, "d": {2}, "e.mat": {1}, "f.png_large": {1}})
	isOne := func(path string) bool { return !strings.HasSuffix(path, "d") }
	items, notes, err := ListFilesNoted(context.Background(), root, ListOptions{Extensions: []string{".png"}, ByContent: isOne})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range items {
		got = append(got, relative(root, it.Path))
	}
	if want := []string{"a.png", "b", "c.0001", "f.png_large"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if s := strings.Join(notes, "; "); !strings.Contains(s, "3 pictures told by the content") || !strings.Contains(s, "1 (no extension)") || !strings.Contains(s, "1 .mat") {
		t.Errorf("notes %q", s)
	}
}

// TestUnreadFormats: what nothing reads is a picture all the same, and each format
// has its own way out.
func TestUnreadFormats(t *testing.T) {
	o := ListOptions{Extensions: []string{".png"}, Unread: map[string]string{".avif": "build with avif", ".jxl": "run djxl", ".jxs": "run djxl"}}
	root := write(t, map[string][]byte{"a.png": {1}, "b.AVIF": {1}, "c.avif": {1}, "d.jxl": {1}, "d.jxs": {1}, "e.txt": {1}})
	items, notes, err := ListFilesNoted(context.Background(), root, o)
	want := []string{"pictures left out, as their formats are not read: 2 .avif: build with avif; 1 .jxl, 1 .jxs: run djxl", "files left out that are not pictures: 1 .txt"}
	if err != nil || len(items) != 1 || !slices.Equal(notes, want) {
		t.Errorf("%v, %q, %v; want a.png and %q", items, notes, err, want)
	}
	root = write(t, map[string][]byte{"b.avif": {1}, "e.txt": {1}})
	if _, _, err = ListFilesNoted(context.Background(), root, o); err == nil || !strings.Contains(err.Error(), "found 1 .txt (pictures left out, as their formats are not read: 1 .avif: build with avif)") {
		t.Errorf("error %v", err)
	}
}
