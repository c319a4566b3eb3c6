"""Writes reference.json: records of events as TensorBoard's own code makes them.

In a virtual environment with tensorboard 2.21: python reference.py
"""
import io, json
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.hparams import api_pb2, plugin_data_pb2
from tensorboard.summary.writer.record_writer import RecordWriter


def record(event):
    f = io.BytesIO()
    RecordWriter(f).write(event.SerializeToString(deterministic=True))
    return f.getvalue().hex()


def plugin(tag, **data):
    content = plugin_data_pb2.HParamsPluginData(**data).SerializeToString(deterministic=True)
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="hparams", content=content))
    return record(Event(wall_time=3.5, step=0, summary=Summary(value=[Summary.Value(tag=tag, metadata=metadata)])))


start = api_pb2.HParamInfo(name="arch", type="DATA_TYPE_STRING"), api_pb2.HParamInfo(name="lr", type="DATA_TYPE_FLOAT64")
metrics = [api_pb2.MetricInfo(name=api_pb2.MetricName(tag=t)) for t in ("epoch/valid_loss", "epoch/error_rate")]
session = plugin_data_pb2.SessionStartInfo(start_time_secs=3.5)
session.hparams["arch"].string_value = "resnet18"
session.hparams["lr"].number_value = 2e-3
print(json.dumps({
    "version": record(Event(wall_time=1.25, file_version="brain.Event:2")),
    "start": record(Event(wall_time=1.25, step=0, session_log=SessionLog(status=SessionLog.START))),
    "scalars": record(Event(wall_time=1700000000.125, step=300, summary=Summary(value=[
        Summary.Value(tag="step/loss", simple_value=0.1), Summary.Value(tag="step/lr", simple_value=2e-3)]))),
    "experiment": plugin("_hparams_/experiment", experiment=api_pb2.Experiment(hparam_infos=start, metric_infos=metrics)),
    "session_start": plugin("_hparams_/session_start_info", session_start_info=session),
    "session_end": plugin("_hparams_/session_end_info", session_end_info=plugin_data_pb2.SessionEndInfo(status="STATUS_SUCCESS", end_time_secs=9)),
}, indent=2))
