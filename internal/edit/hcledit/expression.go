package hcledit

import (
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/towpath-dev/towpath/internal/edit"
)

func (t *tree) expression(e hclsyntax.Expression, depth int) *edit.Node {
	start := e.Range().Start.Byte
	if t.tooDeep(depth, start) {
		return &edit.Node{}
	}
	switch e := e.(type) {
	case *hclsyntax.ParenthesesExpr:
		return t.expression(e.Expression, depth+1)
	case *hclsyntax.TemplateWrapExpr:
		return t.expression(e.Wrapped, depth+1)
	case *hclsyntax.LiteralValueExpr:
		return t.literal(e)
	case *hclsyntax.UnaryOpExpr:
		if n := t.negative(e); n != nil {
			return n
		}
	case *hclsyntax.TemplateExpr:
		if e.IsStringLiteral() {
			value := e.Parts[0].(*hclsyntax.LiteralValueExpr).Val.AsString()
			return &edit.Node{Kind: edit.Scalar, Tag: edit.TagString, Value: value, Start: start}
		}
	case *hclsyntax.ObjectConsExpr:
		n := &edit.Node{Kind: edit.Mapping, Start: start}
		for _, item := range e.Items {
			n.Content = append(n.Content, t.key(item.KeyExpr, depth+1), t.expression(item.ValueExpr, depth+1))
		}
		return n
	case *hclsyntax.TupleConsExpr:
		n := &edit.Node{Kind: edit.Sequence, Start: start}
		for _, item := range e.Exprs {
			n.Content = append(n.Content, t.expression(item, depth+1))
		}
		return n
	}

	n := &edit.Node{Kind: edit.Sequence, Start: start}
	known := false
	for _, operand := range t.operands(e) {
		child := t.expression(operand, depth+1)
		known = known || child.Kind != edit.Opaque
		n.Content = append(n.Content, child)
	}
	if !known {
		return t.opaque(e)
	}
	return n
}

// operands returns the expressions that an expression is made of, in source
// order.
func (t *tree) operands(e hclsyntax.Expression) []hclsyntax.Expression {
	switch e := e.(type) {
	case *hclsyntax.FunctionCallExpr:
		return e.Args
	case *hclsyntax.ConditionalExpr:
		if strings.HasPrefix(t.text(e.SrcRange), "%{") {
			list := append([]hclsyntax.Expression{e.Condition}, pieces(e.TrueResult)...)
			return append(list, pieces(e.FalseResult)...)
		}
		return []hclsyntax.Expression{e.Condition, e.TrueResult, e.FalseResult}
	case *hclsyntax.BinaryOpExpr:
		return []hclsyntax.Expression{e.LHS, e.RHS}
	case *hclsyntax.UnaryOpExpr:
		return []hclsyntax.Expression{e.Val}
	case *hclsyntax.IndexExpr:
		return []hclsyntax.Expression{e.Collection, e.Key}
	case *hclsyntax.SplatExpr:
		return []hclsyntax.Expression{e.Source, e.Each}
	case *hclsyntax.RelativeTraversalExpr:
		return []hclsyntax.Expression{e.Source}
	case *hclsyntax.TemplateExpr:
		return e.Parts
	case *hclsyntax.TemplateJoinExpr:
		if f, ok := e.Tuple.(*hclsyntax.ForExpr); ok {
			return append([]hclsyntax.Expression{f.CollExpr}, pieces(f.ValExpr)...)
		}
	case *hclsyntax.ForExpr:
		list := []hclsyntax.Expression{e.CollExpr, e.ValExpr}
		if e.KeyExpr != nil {
			list = []hclsyntax.Expression{e.CollExpr, e.KeyExpr, e.ValExpr}
		}
		if e.CondExpr != nil {
			list = append(list, e.CondExpr)
		}
		return list
	}
	return nil
}

// pieces returns the parts of the template between two directives. It has no
// quotes of its own, so its text must not be taken for a string.
func pieces(e hclsyntax.Expression) []hclsyntax.Expression {
	if t, ok := e.(*hclsyntax.TemplateExpr); ok {
		return t.Parts
	}
	return []hclsyntax.Expression{e}
}

// key returns a scalar for a key that is known without evaluation.
func (t *tree) key(e hclsyntax.Expression, depth int) *edit.Node {
	if k, ok := e.(*hclsyntax.ObjectConsKeyExpr); ok {
		if keyword := hcl.ExprAsKeyword(k.Wrapped); keyword != "" && !k.ForceNonLiteral {
			return name(keyword, k.Wrapped.Range())
		}
		e = k.Wrapped
	}
	if n := t.expression(e, depth); n.Kind == edit.Scalar {
		return n
	}
	return t.opaque(e)
}

// literal returns a scalar for a number, true, false or null, with the source
// text as its value. The text of a template between two interpolations is a
// literal too for hcl; it is Opaque, for it cannot be quoted.
func (t *tree) literal(e *hclsyntax.LiteralValueExpr) *edit.Node {
	n := t.opaque(e)
	switch kind := e.Val.Type().FriendlyName(); {
	case e.Val.IsNull():
		n.Kind, n.Tag = edit.Scalar, edit.TagNull
	case kind == "bool":
		n.Kind, n.Tag = edit.Scalar, "!!bool"
	case kind == "number":
		n.Kind, n.Tag = edit.Scalar, "!!int"
		if strings.ContainsAny(n.Value, ".eE") {
			n.Tag = "!!float"
		}
	}
	return n
}

// negative returns a scalar for a number with a minus right before it.
func (t *tree) negative(e *hclsyntax.UnaryOpExpr) *edit.Node {
	number, ok := e.Val.(*hclsyntax.LiteralValueExpr)
	if !ok || e.Op != hclsyntax.OpNegate || e.SymbolRange.End.Byte != number.SrcRange.Start.Byte {
		return nil
	}
	n := t.literal(number)
	if n.Tag != "!!int" && n.Tag != "!!float" {
		return nil
	}
	n.Value, n.Start = t.text(e.SrcRange), e.SrcRange.Start.Byte
	return n
}
