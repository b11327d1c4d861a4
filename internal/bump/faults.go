package bump

import (
	"errors"
	"fmt"

	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// at gives a fault its place, and sees to it that what it quotes from the file
// leaves the message one line.
func at(f *fault.Error, path string, p edit.Position) *fault.Error {
	f.Message, f.Hint = escape(f.Message), escape(f.Hint)
	f.Path, f.Line, f.Column = path, p.Line, p.Column
	return f
}

func sealedFault() *fault.Error {
	return fault.New(fault.Refused, "edit it with `sops edit`, or keep image versions out of encrypted files",
		"the file is encrypted with SOPS, and an edit from outside would break its seal")
}

func mergeFault() *fault.Error {
	return fault.New(fault.Refused, "write the values out, or leave the file out with --path",
		"the merge keys of the document repeat more than can be read")
}

func unlocatedFault(err error) *fault.Error {
	return &fault.Error{
		Code: fault.Refused, Message: "the bytes of the value cannot be told", Err: err,
		Hint: "write the value on one line",
	}
}

func unprovedFault(err error) *fault.Error {
	return &fault.Error{
		Code: fault.Refused, Message: "the edit would change more than the version, so the file is left as it is", Err: err,
		Hint: "please report this file; until then, edit it by hand",
	}
}

func unreadableFault(f format, err error) *fault.Error {
	name := map[format]string{formatYAML: "YAML", formatJSON: "JSON", formatHCL: "HCL"}[f]
	return &fault.Error{
		Code: fault.Refused, Message: "names the image, but cannot be read as " + name, Err: err,
		Hint: "mend the file, or leave it out with --path",
	}
}

func templateFault(repo image.Repository) *fault.Error {
	return fault.New(fault.Refused, "put the comment `# towpath: "+repo.Familiar()+":tag` behind its tag",
		"names %s in a template, where its tag cannot be told", repo.Familiar())
}

func strayMarkerFault(repo image.Repository) *fault.Error {
	return fault.New(fault.Refused, "put the comment behind the value, or on a line of its own before it",
		"marker for %s stands on no value", repo.Familiar())
}

func markerFault(text string) *fault.Error {
	return fault.New(fault.Refused, "write `# towpath: registry/name`, or with :tag, :name or :digest behind it",
		"marker names %q, which is no image", text)
}

const internalMessage = "internal fault, so the file is left as it is"

// internalFault is a panic, which is always a fault of towpath.
func internalFault(path string, cause any) *fault.Error {
	return &fault.Error{
		Code: fault.Refused, Path: path, Message: internalMessage, Err: errors.New(escape(fmt.Sprint(cause))),
		Hint: "please report this file; until then, leave it out with --path",
	}
}
