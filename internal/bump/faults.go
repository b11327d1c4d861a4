package bump

import (
	"github.com/towpath-dev/towpath/internal/edit"
	"github.com/towpath-dev/towpath/internal/fault"
	"github.com/towpath-dev/towpath/internal/image"
)

// at gives a fault its place.
func at(f *fault.Error, path string, p edit.Position) *fault.Error {
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
