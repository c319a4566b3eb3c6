package command

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/whippet-ml/whippet/models"
	"github.com/whippet-ml/whippet/pretrained"
	"github.com/whippet-ml/whippet/serve"
)

func newServe() *cobra.Command {
	var o serve.Options
	var studio serve.LabelStudio
	var address, socketMode, logFormat string
	var verbose bool
	cmd := &cobra.Command{
		Use:   "serve [NAME=]MODEL...",
		Short: "Answer HTTP requests with classifications, and show a page to drop pictures on",
		Long: `Serve one or more models. A model's name is the one given, or else the name of its
file or of the run's folder; requests that name no model go to the first.

` + modelHelp + `

  POST /predict                    a picture, or a form with pictures, as the body
  POST /explain                    where in a picture the model looked (Grad-CAM)
  GET  /models                     models and their classes
  GET  /v2/..., POST /v2/models/NAME/infer   Open Inference Protocol
  /label-studio                    back end of Label Studio (--label-studio)
  GET  /healthz /readyz /metrics   health and Prometheus metrics
  GET  /                           a page to drop, paste or photograph a picture

The service listens on this machine only unless --address says otherwise. Before
strangers can reach it, give it --tokens and --tls-cert, or a proxy that has them
in front of a Unix socket: docs/serving.md has examples. A model file that changes is loaded again without
disturbing requests; SIGHUP loads all files again at once. Ctrl-C or SIGTERM
finishes what was accepted. All limits: docs/limits.md.`,
		Example: `  whippet serve runs/pets
  curl --data-binary @cat.jpg 'localhost:8080/predict?topk=3'
  curl -F a=@cat.jpg -F b=@dog.jpg localhost:8080/predict`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			h := &slog.HandlerOptions{Level: level}
			switch logFormat {
			case "text":
				o.Log = slog.New(slog.NewTextHandler(os.Stderr, h))
			case "json":
				o.Log = slog.New(slog.NewJSONHandler(os.Stderr, h))
			default:
				return fmt.Errorf("--log %q: must be text or json", logFormat)
			}
			// The address first: loading models only to find it taken helps nobody.
			mode, err := strconv.ParseUint(socketMode, 8, 9)
			if err != nil {
				return fmt.Errorf("--socket-mode %q: must be permissions in octal, such as 0660", socketMode)
			}
			if (o.CertFile == "") != (o.KeyFile == "") {
				return errors.New("--tls-cert and --tls-key go together: give both or none")
			}
			switch {
			case studio.URL != "":
				o.LabelStudio = &studio
			case studio.KeyFile != "" || studio.Files != "" || len(studio.Hosts) > 0:
				return errors.New("--label-studio-key, --label-studio-files and --label-studio-hosts go with --label-studio, the address of Label Studio")
			}
			l, err := serve.Listen(address, fs.FileMode(mode))
			if err != nil {
				return fmt.Errorf("--address %s: %w", address, err)
			}
			defer l.Close()
			var files []serve.ModelFile
			for _, a := range args {
				file, err := modelArg(cmd.Context(), a)
				if err != nil {
					return err
				}
				files = append(files, file)
			}
			s, err := serve.New(o, files...)
			if err != nil {
				return err
			}
			defer onHangup(func() { _ = s.Reload() })()
			return s.Serve(cmd.Context(), l)
		},
	}
	f := cmd.Flags()
	f.StringVar(&address, "address", "localhost:8080", "where to listen; :8080 is every interface, unix:PATH a Unix socket")
	f.StringVar(&socketMode, "socket-mode", "0660", "permissions of a Unix socket: who may connect")
	f.StringVar(&o.TokenFile, "tokens", "", "file of bearer tokens, one a line: without one of them only health checks are answered")
	f.StringVar(&o.CertFile, "tls-cert", "", "certificate and its chain in PEM: TLS; read again when it changes")
	f.StringVar(&o.KeyFile, "tls-key", "", "its key in PEM")
	f.StringVar(&studio.URL, "label-studio", "", "answer the requests of the Label Studio at this address, such as http://localhost:8080, as its back end; uploaded pictures are fetched from there")
	f.StringVar(&studio.KeyFile, "label-studio-key", "", "file with an access token of Label Studio, to fetch pictures with")
	f.StringVar(&studio.Files, "label-studio-files", "", "folder of Label Studio's local files (its LOCAL_FILES_DOCUMENT_ROOT), to open instead of fetching them")
	f.StringSliceVar(&studio.Hosts, "label-studio-hosts", nil, "other hosts that the pictures of tasks may be fetched from; none others are")
	f.IntVar(&o.MaxBatch, "batch", serve.DefaultMaxBatch, "pictures that go through the network at once, 1 to 1024")
	renamed(cmd, "max-batch", "batch")
	f.DurationVar(&o.MaxWait, "max-wait", serve.DefaultMaxWait, "how long an incomplete batch waits for more; negative is not at all")
	f.IntVar(&o.Queue, "queue", serve.DefaultQueue, "pictures of a model accepted and not yet answered; more wait for --queue-timeout, then get 429")
	f.IntVar(&o.Requests, "max-requests", serve.DefaultRequests, "requests worked on at the same time; more wait for --queue-timeout, then get 503")
	f.IntVar(&o.Explain, "max-explain", serve.DefaultExplain, "requests for Grad-CAM at the same time; more wait for --queue-timeout, then get 503")
	f.DurationVar(&o.QueueTimeout, "queue-timeout", serve.DefaultQueueTimeout, "how long a request waits for room before it is refused; negative is not at all")
	f.IntVar(&o.Connections, "max-connections", serve.DefaultConnections, "open connections; more take the place of idle ones, or get 503")
	f.Int64Var(&o.MaxBody, "max-body", serve.DefaultMaxBody, "bytes of a request's body; more get 413")
	f.Int64Var(&o.MaxBodies, "max-bodies", serve.DefaultMaxBodies, "bytes of memory of all bodies at the same time; more get 503")
	f.IntVar(&o.MaxPictures, "max-pictures", serve.DefaultMaxPictures, "pictures of one request; more get 413")
	f.IntVar(&o.MaxPixels, "max-pixels", serve.DefaultMaxPixels, "pixels of a picture; more get 413, before decoding")
	f.DurationVar(&o.Timeout, "timeout", serve.DefaultTimeout, "time for a request; beyond it 408 or 504")
	f.IntVar(&o.BodyRate, "min-body-rate", serve.DefaultBodyRate, "bytes a second that a body must come with, after the first 5 s; slower ones get 408")
	f.StringSliceVar(&o.Hosts, "allowed-hosts", nil, "names that the service answers to, besides localhost and IP addresses; while it listens on this machine only, no others are accepted")
	f.DurationVar(&o.Drain, "drain", serve.DefaultDrain, "how long a shutdown waits for accepted requests")
	f.DurationVar(&o.Reload, "reload", serve.DefaultReload, "how often model files are looked at for changes; negative is never")
	f.IntVarP(&o.TopK, "topk", "k", serve.DefaultTopK, "classes in an answer when the request does not say")
	f.BoolVar(&o.NoPage, "no-page", false, "leave out the web page and Grad-CAM")
	f.StringVar(&logFormat, "log", "text", "form of the log on standard error: text or json")
	f.BoolVar(&verbose, "verbose", false, "log health checks and page loads too")
	return cmd
}

var unnamed = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// modelArg reads [NAME=]MODEL. Without a name it is the file's, the folder's for a
// run's model.safetensors, or the published model's.
func modelArg(ctx context.Context, a string) (serve.ModelFile, error) {
	name, model, ok := strings.Cut(a, "=")
	if !ok || name == "" || strings.ContainsAny(name, `/\`) {
		name, model = "", a
	}
	path, fixed, err := sourceFile(ctx, model)
	if err != nil {
		return serve.ModelFile{}, err
	}
	file := serve.ModelFile{Name: name, Path: path, Open: func() (*models.Classifier, models.Info, error) { return openModel(ctx, fixed) }}
	switch {
	case name != "":
		return file, nil
	case pretrained.SavedModel(model) == "":
		file.Name = shortName(model)
		return file, nil
	}
	name = strings.TrimSuffix(filepath.Base(path), ".safetensors")
	if name == "model" {
		if abs, err := filepath.Abs(path); err == nil {
			name = filepath.Base(filepath.Dir(abs))
		}
	}
	if name = strings.Trim(unnamed.ReplaceAllString(name, "-"), "-"); name == "" {
		name = "model"
	}
	file.Name = name
	return file, nil
}
