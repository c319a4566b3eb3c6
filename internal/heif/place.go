package heif

// Place says where the samples of the picture come to lie when its transforms
// are done: (x, y) at (XX·x+XY·y+X, YX·x+YY·y+Y) of Width×Height; what lies outside is cut off.
type Place struct {
	XX, XY, X     int
	YX, YY, Y     int
	Width, Height int
}

// Place composes the transforms.
func (p *Picture) Place() Place {
	m := Place{XX: 1, YY: 1, Width: p.Width, Height: p.Height}
	for _, t := range p.Transforms {
		switch {
		case t.Width > 0:
			m.X -= t.Left
			m.Y -= t.Top
			m.Width, m.Height = t.Width, t.Height
		case t.Mirror && t.Vertical:
			m.YX, m.YY, m.Y = -m.YX, -m.YY, m.Height-1-m.Y
		case t.Mirror:
			m.XX, m.XY, m.X = -m.XX, -m.XY, m.Width-1-m.X
		default:
			for range t.Turns { // (x, y) comes to (y, width-1-x)
				m.XX, m.XY, m.X, m.YX, m.YY, m.Y = m.YX, m.YY, m.Y, -m.XX, -m.XY, m.Width-1-m.X
				m.Width, m.Height = m.Height, m.Width
			}
		}
	}
	return m
}
