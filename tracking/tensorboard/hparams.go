package tensorboard

import (
	"maps"
	"math"
	"slices"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
)

// This file speaks to the plugin HPARAMS, which compares runs by their settings: the
// numbers of the fields of tensorboard/plugins/hparams/{plugin_data,api}.proto and of
// google/protobuf/struct.proto.
const (
	hparamsPlugin = "hparams"

	tagExperiment   = "_hparams_/experiment"
	tagSessionStart = "_hparams_/session_start_info"
	tagSessionEnd   = "_hparams_/session_end_info"

	dataExperiment   = 2
	dataSessionStart = 3
	dataSessionEnd   = 4

	experimentHParams = 4
	experimentMetrics = 5

	hparamName = 1
	hparamType = 4
	typeString = 1
	typeNumber = 3

	metricName = 1 // MetricInfo.name
	nameTag    = 2 // MetricName.tag

	startHParams = 1
	startTime    = 5
	mapKey       = 1
	mapValue     = 2

	structNumber = 2 // Value.number_value
	structText   = 3 // Value.string_value

	endStatus = 1
	endTime   = 2
	succeeded = 1 // Status.STATUS_SUCCESS
	failed    = 2 // Status.STATUS_FAILURE
)

// isNumber reports whether a setting is a number for TensorBoard.
func isNumber(s string) (float64, bool) {
	v, err := strconv.ParseFloat(s, 64)
	return v, err == nil && !math.IsNaN(v) && !math.IsInf(v, 0)
}

// experiment says which settings and measures there are.
func experiment(settings map[string]string, tags []string) []byte {
	var e []byte
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		kind := int64(typeString)
		if _, ok := isNumber(settings[name]); ok {
			kind = typeNumber
		}
		e = appendMessage(e, experimentHParams, appendInt(appendText(nil, hparamName, name), hparamType, kind))
	}
	for _, tag := range tags {
		e = appendMessage(e, experimentMetrics, appendMessage(nil, metricName, appendText(nil, nameTag, tag)))
	}
	return appendMessage(nil, dataExperiment, e)
}

// sessionStarted says which settings this run has.
func sessionStarted(settings map[string]string, wall float64) []byte {
	var s []byte
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		var v []byte
		if number, ok := isNumber(settings[name]); ok {
			v = appendDouble(nil, structNumber, number)
		} else {
			v = appendText(nil, structText, settings[name])
		}
		s = appendMessage(s, startHParams, appendMessage(appendText(nil, mapKey, name), mapValue, v))
	}
	return appendMessage(nil, dataSessionStart, appendDouble(s, startTime, wall))
}

// sessionEnded says how this run ended.
func sessionEnded(ok bool, wall float64) []byte {
	status := int64(failed)
	if ok {
		status = succeeded
	}
	return appendMessage(nil, protowire.Number(dataSessionEnd), appendDouble(appendInt(nil, endStatus, status), endTime, wall))
}
