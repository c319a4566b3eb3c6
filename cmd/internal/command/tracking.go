package command

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/cmd/internal/run"
	"github.com/whippet-ml/whippet/cmd/internal/runs"
	"github.com/whippet-ml/whippet/tracking/mlflow"
	"github.com/whippet-ml/whippet/tracking/tensorboard"
	"github.com/whippet-ml/whippet/train"
)

// This file is the history of a run for other programs that show it. They have no say in
// the run: what fails there is told, and training goes on.

// trackFlags say which programs get the history.
type trackFlags struct {
	tensorboard string
	mlflow      string
	experiment  string
	changed     func(flag string) bool // whether a flag was given; nil where there are none
	board       string                 // the folder of this run's event files
	open        []tracker
}

// tracker takes the history while training goes on. Close tells it how training ended.
type tracker interface {
	train.Callback
	Close(fit error) error
}

func (t *trackFlags) flags(cmd *cobra.Command) {
	fl := cmd.Flags()
	t.changed = fl.Changed
	fl.StringVar(&t.tensorboard, "tensorboard", "", "write the history as event files to `FOLDER`/RUN, RUN being the name of the run's folder: tensorboard --logdir FOLDER shows them; \"\" with --resume: no longer")
	fl.StringVar(&t.mlflow, "mlflow", "", "send the history, and the model at the end, to the MLflow server at this `URL`, or env for that of MLFLOW_TRACKING_URI; \"\" with --resume: no longer")
	fl.StringVar(&t.experiment, "mlflow-experiment", "", "experiment of --mlflow (default MLFLOW_EXPERIMENT_NAME, or else Default)")
}

// openTrackers makes what takes the history of a run and adds it to the learner's
// callbacks. A resumed run goes on where it was, but for what flags say.
func (f *trainFlags) openTrackers(l *train.Learner, out *run.Output, p *printer, resumed bool) error {
	to, err := out.Tracking()
	if err != nil {
		return err
	}
	changed := func(flag string) bool { return f.track.changed != nil && f.track.changed(flag) }
	if changed("tensorboard") {
		if to.TensorBoard, err = boardOf(f.track.tensorboard, run.TrackedName(out.Dir)); err != nil {
			return err
		}
	}
	if to.TensorBoard != "" && (!resumed || changed("tensorboard")) {
		if err := freeBoard(to.TensorBoard); err != nil {
			return err
		}
		if err := os.MkdirAll(to.TensorBoard, 0o777); err != nil {
			return fmt.Errorf("--tensorboard: %w", err)
		}
	}
	if changed("mlflow-experiment") && !changed("mlflow") {
		return errors.New("--mlflow-experiment says where the run of --mlflow belongs: give --mlflow too")
	}
	if changed("mlflow") {
		if to.MLflow, err = mlflowOf(f.track.mlflow, f.track.experiment); err != nil {
			return err
		}
	}
	if err := out.SetTracking(to); err != nil {
		return err
	}
	settings, err := runs.Settings([]byte(mustJSON(f.Config)))
	if err != nil {
		return err
	}
	if f.track.board = to.TensorBoard; to.TensorBoard != "" {
		f.track.add(l, &tensorboard.Callback{Dir: to.TensorBoard, Settings: settings, Failed: func(err error) { p.note("%v; training goes on, and the next epoch tries again", err) }})
		p.note("for TensorBoard: tensorboard --logdir %s", strings.TrimSuffix(to.TensorBoard, string(filepath.Separator)+filepath.FromSlash(run.TrackedName(out.Dir))))
	}
	if to.MLflow.URL != "" {
		ml := newMLflow(to, out, p)
		ml.Params, ml.Changed = settings, len(f.LRChanges) > 0
		f.track.add(l, ml)
		p.note("for MLflow: %s", to.MLflow.URL)
	}
	return nil
}

// newMLflow makes what sends a run to an MLflow server.
func newMLflow(to run.Tracking, out *run.Output, p *printer) *mlflow.Callback {
	ml := &mlflow.Callback{URL: to.MLflow.URL, Experiment: to.MLflow.Experiment, RunName: run.TrackedName(out.Dir), RunID: to.MLflow.Run}
	var notes sync.Mutex // both are told on another goroutine than training's
	ml.Note = func(text string) {
		notes.Lock()
		defer notes.Unlock()
		fmt.Fprintf(p.err, "\n%s\n", visible(text))
	}
	ml.Created = func(id string) {
		to.MLflow.Run = id
		if err := out.SetTracking(to); err != nil {
			ml.Note(err.Error())
		}
	}
	for _, name := range []string{run.ModelFile, run.ConfigFile, run.HistoryFile} {
		ml.Artifacts = append(ml.Artifacts, filepath.Join(out.Dir, name))
	}
	return ml
}

// mlflowOf is what --mlflow and --mlflow-experiment say.
func mlflowOf(address, experiment string) (run.MLflow, error) {
	if address == "" {
		return run.MLflow{}, nil
	}
	if address == "env" {
		address = ""
	}
	ml := &mlflow.Callback{URL: address}
	if err := ml.Check(); err != nil {
		return run.MLflow{}, fmt.Errorf("--mlflow: %w", err)
	}
	return run.MLflow{URL: ml.Server(), Experiment: cmp.Or(experiment, os.Getenv("MLFLOW_EXPERIMENT_NAME"))}, nil
}

// endMLflow ends the run on an MLflow server whose training was over when it was
// interrupted.
func (f *trainFlags) endMLflow(to run.MLflow, out *run.Output, p *printer) {
	if to.Run == "" {
		return
	}
	ml := newMLflow(run.Tracking{MLflow: to}, out, p)
	err := ml.On(train.BeforeFit, &train.Learner{Results: train.Results{Recorder: &train.Recorder{}}})
	if err == nil {
		err = ml.Close(nil)
	}
	if err != nil {
		p.note("%v", err)
	}
}

func (t *trackFlags) add(l *train.Learner, tr tracker) {
	t.open = append(t.open, tr)
	l.Callbacks = append(l.Callbacks, tr)
}

// closeTrackers tells how training ended.
func (f *trainFlags) closeTrackers(fit error, p *printer) {
	for _, t := range f.track.open {
		if err := t.Close(fit); err != nil && err != fit {
			if p.note("%v", err); errors.Is(err, mlflow.ErrNotSent) {
				p.note("the run's folder has all of it: %s, %s and the model can be added there by hand", run.HistoryFile, run.ConfigFile)
			}
		}
	}
	f.track.open = nil
}

// discard removes the events of a run of which nothing is left, so that it can be started
// again.
func (t *trackFlags) discard() {
	if t.board == "" {
		return
	}
	there, err := tensorboard.Find(t.board)
	if err != nil {
		return
	}
	for _, path := range there {
		_ = os.Remove(path)
	}
	_ = os.Remove(t.board)
}

// boardOf is the folder of event files of the run of a name, below the folder that is given.
func boardOf(folder, name string) (string, error) {
	if folder == "" {
		return "", nil
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return "", fmt.Errorf("--tensorboard: %w", err)
	}
	return filepath.Join(folder, filepath.FromSlash(name)), nil
}

// freeBoard reports that a folder has the events of another run, which must not be lost.
func freeBoard(dir string) error {
	there, err := tensorboard.Find(dir)
	if err != nil {
		return fmt.Errorf("--tensorboard: %w", err)
	}
	if len(there) > 0 {
		return fmt.Errorf("--tensorboard: %s has the events of another run of that name: give the run another name with --out, choose another folder, or remove that one", dir)
	}
	return nil
}

// trackFolds settles where the histories of all folds go. A new one's are known to have room there.
func (f *foldsFlags) trackFolds(resumed bool) (to run.Tracking, err error) {
	if resumed {
		if to, err = run.FoldsTracking(f.out); err != nil {
			return to, err
		}
	}
	t := &f.track
	if t.changed("tensorboard") {
		if to.TensorBoard = t.tensorboard; to.TensorBoard != "" {
			if to.TensorBoard, err = filepath.Abs(to.TensorBoard); err != nil {
				return to, fmt.Errorf("--tensorboard: %w", err)
			}
		}
	}
	if t.changed("mlflow-experiment") && !t.changed("mlflow") {
		return to, errors.New("--mlflow-experiment says where the runs of --mlflow belong: give --mlflow too")
	}
	if t.changed("mlflow") {
		if to.MLflow, err = mlflowOf(t.mlflow, t.experiment); err != nil {
			return to, err
		}
	}
	if to.TensorBoard == "" || resumed {
		return to, nil
	}
	return to, freeBoards(to.TensorBoard, f.out, f.n)
}

// freeBoards reports that the place of a fold's event files is taken.
func freeBoards(folder, out string, n int) error {
	all, err := filepath.Abs(out)
	if err != nil {
		return err
	}
	for k := 1; k <= n; k++ {
		board, err := boardOf(folder, filepath.Base(all)+"/"+filepath.Base(run.FoldName(out, k)))
		if err == nil {
			err = freeBoard(board)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// forFold returns the flags of a fold that begins now.
func (t trackFlags) forFold(to run.Tracking) trackFlags {
	t.tensorboard, t.mlflow, t.experiment = to.TensorBoard, to.MLflow.URL, to.MLflow.Experiment
	t.changed = func(flag string) bool {
		return flag == "tensorboard" && t.tensorboard != "" || flag == "mlflow" && t.mlflow != ""
	}
	return t
}
