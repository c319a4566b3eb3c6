package vision

import (
	"context"
	"io"
	"strings"

	"github.com/whippet-ml/whippet/data"
	"github.com/whippet-ml/whippet/internal/files"
)

// ImageExtensions are the file name extensions, in lower case, that Files
// takes for pictures. What a file really is, its content tells when it is
// opened.
var ImageExtensions = []string{
	".bmp", ".dib", ".gif", ".heic", ".heif", ".hif", ".ico", ".jfif", ".jif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pfm", ".pgm", ".png", ".pnm",
	".ppm", ".tga", ".tif", ".tiff", ".webp",
}

// unreadExtensions are those of pictures that Decode refuses by name, with what it
// says to do.
var unreadExtensions = func() map[string]string {
	do := map[string]string{}
	for advice, extensions := range map[string]string{
		buildAVIF: ".avif", fromJXL: ".jxl", fromJP2: ".j2c .j2k .jp2 .jpf .jpx", fromDICOM: ".dcm .dicom", drawing: ".svg", pages: ".eps .pdf .ps",
		convert:   ".dds .exr .hdr .pam .psd .qoi .xcf",
		developed: ".3fr .arw .cr2 .cr3 .crw .dng .iiq .mrw .nef .nrw .orf .pef .raf .rw2 .srw .x3f",
	} {
		for _, e := range strings.Fields(extensions) {
			do[e] = advice
		}
	}
	return do
}()

// ImageFiles is the source of all image files below a folder, with default
// options: fastai's get_image_files.
var ImageFiles = Files{}

// Files is a data.Source of image files: every file below the root whose name
// ends in one of the extensions, in any case, sorted by path, so that a split
// is the same on every machine (fastai takes the order of the file system).
// A file whose name does not tell (no extension, or img.0001) is taken when its
// content is a picture's. Hidden files and folders (names that start with a dot)
// are left out, and so are files of other kinds, such as the .mat files of Oxford
// Pets; ListNoted counts these.
type Files struct {
	// Folders limits the search to these folders directly below the root, and
	// leaves out files in the root itself; empty means all. It is get_image_files's parameter of that name.
	Folders []string
	// Extensions replaces ImageExtensions; each starts with a dot.
	Extensions []string
	// Flat leaves out folders below the root (recurse=False).
	Flat bool
	// Decode bounds and directs decoding.
	Decode DecodeOptions
}

// List returns the image files below root as data.ListFiles does. It fails when
// root is not a folder or holds no picture at all.
func (f Files) List(ctx context.Context, root string) ([]data.Item, error) {
	items, _, err := f.ListNoted(ctx, root)
	return items, err
}

// ListNoted is List with notes of the files that were left out, and of those
// that their content told.
func (f Files) ListNoted(ctx context.Context, root string) ([]data.Item, []string, error) {
	o := data.ListOptions{Extensions: f.Extensions, Folders: f.Folders, Flat: f.Flat}
	if len(o.Extensions) == 0 {
		o.Extensions, o.ByContent, o.Unread = ImageExtensions, isPicture, unreadExtensions
	}
	return data.ListFilesNoted(ctx, root, o)
}

// isPicture reports whether a file begins as a picture of a known format does.
func isPicture(path string) bool {
	f, _, err := files.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 64)
	n, _ := io.ReadFull(f, head)
	_, err = sniff(head[:n])
	return err == nil
}

// Open decodes one file.
func (f Files) Open(item data.Item) (*data.Image, error) { return DecodeFile(item.Path, f.Decode) }

// Check reads the header of one file, without decoding it, so that most
// damaged files are found before training starts. It returns the size that
// Open will give.
func (f Files) Check(item data.Item) (width, height int, err error) {
	info, err := CheckFile(item.Path, f.Decode)
	if err != nil {
		return 0, 0, err
	}
	if info.Orientation >= 5 && !f.Decode.IgnoreOrientation {
		return info.Height, info.Width, nil
	}
	return info.Width, info.Height, nil
}

// Oriented returns a source of the same pictures whose EXIF orientation is applied,
// or left unapplied when raw is true: Files, a table of them (data.CSV) or folders of them (data.Tree). Other
// sources have pictures of their own, and are returned as they are.
func Oriented(s data.Source, raw bool) data.Source {
	switch s := s.(type) {
	case Files:
		s.Decode.IgnoreOrientation = raw
		return s
	case data.CSV:
		s.Images = Oriented(s.Images, raw)
		return s
	case data.Tree:
		s.Images = Oriented(s.Images, raw)
		return s
	}
	return s
}

// String describes the source.
func (f Files) String() string { return "ImageFiles" }
