package train

import "context"

// Resume puts the learner, built anew with the settings of the first run, into
// the state of a checkpoint and carries on with what was under way: the rest of
// the epoch, of the fit, and of the plan. The end is the same, bit for bit, as
// if there had been no interruption. The learner's callbacks must be registered
// before.
func (l *Learner) Resume(ctx context.Context, c *Checkpoint) error {
	if err := c.apply(l); err != nil {
		return err
	}
	at := c.state.Cursor
	return l.runFrom(ctx, c.state.Plan, &at, nil)
}

// Done reports whether the checkpoint's plan was complete.
func (c *Checkpoint) Done() bool { return c.state.Cursor.Phase >= len(c.state.Plan) }

// Place says where in its plan the checkpoint was taken: phase, epoch and the
// next batch, all from 0.
func (c *Checkpoint) Place() (phase, epoch, batch int) {
	return c.state.Cursor.Phase, c.state.Cursor.Epoch, c.state.Cursor.Iter
}
