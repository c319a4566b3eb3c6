// Command whippet trains, inspects and uses image classifiers.
//
//	whippet train                       the demonstration: drawn breeds, offline
//	whippet train --data pets           fine-tune a ResNet-34 on Oxford-IIIT Pet
//	whippet folds                       cross-validation: a training for each fold, mean and spread
//	whippet compare-bodies BODY...      which network to take, in minutes
//	whippet lr-find                     which learning rate to train with
//	whippet runs                        list and compare training runs
//	whippet clean MODEL                 find wrong labels and near-duplicates
//	whippet predict MODEL FILE...       classify pictures
//	whippet serve MODEL                 answer HTTP requests
//	whippet export MODEL                write ONNX or plain safetensors
//	whippet import WEIGHTS              make a model of what fastai trained
//	whippet interpret MODEL             see where a model is right and wrong
//	whippet confidence MODEL            calibrate it, and let it say when it does not know
//	whippet verify --data FOLDER        decode every picture and report
//	whippet data list                   the sets that are known by name
//	whippet bench train                 measure this machine
//	whippet version                     version, commit and instruction set
package main

import (
	"os"

	"github.com/whippet-ml/whippet/cmd/internal/command"
)

func main() { os.Exit(command.Main(nil)) }
