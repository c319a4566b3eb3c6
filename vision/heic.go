package vision

import (
	"fmt"

	"github.com/whippet-ml/whippet/internal/heif"
)

// inspectHEIC is Inspect for the primary picture of a HEIC file. The limit
// holds for the coded picture and for what its clean aperture leaves of it.
func inspectHEIC(b []byte, o DecodeOptions) (Header, error) {
	info := Header{Format: HEIC, Orientation: 1}
	p, err := heif.Read(b)
	if p != nil {
		if err := o.checkSize(p.Width, p.Height); err != nil {
			return info, fmt.Errorf("%s: %w", HEIC, err)
		}
	}
	if err != nil {
		return info, damaged(HEIC, err)
	}
	at := p.Place()
	info.Width, info.Height = at.Width, at.Height
	return info, nil
}
