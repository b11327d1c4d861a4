package hcledit

import (
	"fmt"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/towpath-dev/towpath/internal/edit"
)

// The parser of hcl recurses as deep as the file says, and running out of
// stack ends the process. These limits bound its stack to tens of megabytes, far
// above what configurations need.
const (
	maxDepth  = 1000  // brackets and quotes within each other, signs in a row
	maxChain  = 10000 // conditionals and splats, which nest without brackets, in one block or attribute of the file
	maxPieces = 10000 // lines, escapes and interpolations of one template; the parser takes their square in time
)

func checkNesting(src []byte, name string) error {
	// Lexing is most of what parsing costs, and hcl's parser does not take
	// tokens, so files that are too small to nest deeply are not lexed for it.
	if !canNest(src) {
		return nil
	}
	tokens, diags := hclsyntax.LexConfig(src, name, hcl.InitialPos)
	if err := syntaxError(diags); err != nil {
		return err
	}
	type frame struct {
		end    hclsyntax.TokenType // what closes it
		pieces int
	}
	frames := []frame{{end: hclsyntax.TokenEOF}}
	chain, signs := 0, 0
	last := hclsyntax.TokenNil
	for _, token := range tokens {
		top := &frames[len(frames)-1]
		offset := token.Range.Start.Byte
		switch token.Type {
		case hclsyntax.TokenNewline, hclsyntax.TokenComment:
			if len(frames) == 1 {
				chain = 0
			}
			continue
		case hclsyntax.TokenQuestion:
			chain++
		case hclsyntax.TokenStar:
			if last == hclsyntax.TokenOBrack {
				chain++
			}
		case hclsyntax.TokenStringLit, hclsyntax.TokenQuotedLit, hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
			if top.pieces++; top.pieces > maxPieces {
				return &edit.SyntaxError{Offset: offset, Message: fmt.Sprintf("string of more than %d lines or parts", maxPieces)}
			}
		}
		if token.Type == hclsyntax.TokenBang || token.Type == hclsyntax.TokenMinus {
			signs++
		} else {
			signs = 0
		}
		// A token that closes something else does not count, so that the depth
		// is never less than what the parser reaches.
		if end := closer(token.Type); end != hclsyntax.TokenNil {
			frames = append(frames, frame{end: end})
		} else if token.Type == top.end {
			frames = frames[:len(frames)-1]
		}
		if len(frames) > maxDepth || signs > maxDepth || chain > maxChain {
			return depthError(offset)
		}
		last = token.Type
	}
	return nil
}

// canNest reports whether a file has enough of the bytes that nest to exceed
// one of the limits. Quotes nest only by the brace of an interpolation.
func canNest(src []byte) bool {
	nesting, pieces := 0, 0
	for _, b := range src {
		switch b {
		case '[', '(', '{', '!', '-':
			nesting++
		case '?', '*', '$', '%', '\n':
			pieces++
		}
	}
	return nesting >= maxDepth/2 || pieces >= maxPieces
}

func depthError(offset int) error {
	return &edit.SyntaxError{Offset: offset, Message: "nested too deeply"}
}

// closer returns the token that ends what open begins, or TokenNil.
func closer(open hclsyntax.TokenType) hclsyntax.TokenType {
	switch open {
	case hclsyntax.TokenOBrace:
		return hclsyntax.TokenCBrace
	case hclsyntax.TokenOBrack:
		return hclsyntax.TokenCBrack
	case hclsyntax.TokenOParen:
		return hclsyntax.TokenCParen
	case hclsyntax.TokenTemplateInterp, hclsyntax.TokenTemplateControl:
		return hclsyntax.TokenTemplateSeqEnd
	case hclsyntax.TokenOQuote:
		return hclsyntax.TokenCQuote
	case hclsyntax.TokenOHeredoc:
		return hclsyntax.TokenCHeredoc
	}
	return hclsyntax.TokenNil
}
