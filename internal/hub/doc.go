// Package hub brings files of the Hugging Face Hub to this machine: it asks for
// them as the Hub's protocol has it, and keeps them in the Hub's own cache folder,
// so that huggingface_hub and what is built on it find what Whippet downloaded, and
// Whippet what they did.
//
// The cache has, for each repository, the files by their content (blobs), the
// commits that branches and tags stood for when they were last asked about (refs),
// and for each commit a folder of links to the files (snapshots):
//
//	models--timm--resnet50.a1_in1k/refs/main
//	models--timm--resnet50.a1_in1k/blobs/e1c8…
//	models--timm--resnet50.a1_in1k/snapshots/767268…/model.safetensors → ../../blobs/e1c8…
//
// The server is not trusted with names: what it says a file is called must be a
// plain name before it becomes one here.
package hub
