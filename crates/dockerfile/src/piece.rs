//! The text of a file, cut into what it is made of.

use crate::{Dockerfile, Span};

/// A part of the source. All pieces together, in order, are the whole of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub kind: PieceKind,
    /// Where it is.
    pub span: Span,
}

/// What a [`Piece`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PieceKind {
    /// The byte-order mark.
    ByteOrderMark,
    /// A parser directive with its line end.
    Directive,
    /// A comment between instructions with its line end.
    Comment,
    /// Blank lines, the white space around instructions, and continuations that join nothing.
    Blank,
    /// An instruction, from its keyword to the end of its last line: continuations, the comments between them and heredoc
    /// bodies included.
    Instruction,
}

impl Dockerfile {
    /// Returns the source, cut into pieces: a formatter that changes one of them leaves the others as they are.
    ///
    /// ```
    /// use notes_dockerfile::{Dockerfile, PieceKind};
    ///
    /// let source = "# syntax=docker/dockerfile:1\n\nFROM debian\n# why\nRUN a \\\n  b\n";
    /// let file = Dockerfile::parse(source)?;
    /// let pieces = file.pieces();
    /// let text: String = pieces.iter().map(|piece| piece.span.text(source)).collect();
    /// assert_eq!(text, source);
    /// assert_eq!(pieces[0].kind, PieceKind::Directive);
    /// # Ok::<(), notes_dockerfile::ParseError>(())
    /// ```
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces = Vec::new();
        let mut end = 0;
        if self.source.starts_with('\u{feff}') {
            end = '\u{feff}'.len_utf8();
            pieces.push(Piece { kind: PieceKind::ByteOrderMark, span: Span::new(0, end) });
        }
        for span in self.instructions() {
            self.between(Span::new(end, span.start), &mut pieces);
            pieces.push(Piece { kind: PieceKind::Instruction, span });
            end = span.end;
        }
        self.between(Span::new(end, self.source.len()), &mut pieces);
        pieces
    }

    /// Returns the spans of all instructions, in order.
    fn instructions(&self) -> impl Iterator<Item = Span> {
        let globals = self.arguments.iter().map(|global| global.span);
        globals.chain(self.stages.iter().flat_map(|stage| {
            let below = stage.statements.iter().map(|statement| statement.span);
            Some(stage.span).into_iter().chain(below)
        }))
    }

    /// Cuts what stands between two instructions into lines.
    fn between(&self, span: Span, pieces: &mut Vec<Piece>) {
        let mut start = span.start;
        for line in span.text(&self.source).split_inclusive('\n') {
            let trimmed = line.trim_start();
            let mark = start + (line.len() - trimmed.len());
            let is_comment =
                || self.comments.binary_search_by_key(&mark, |comment| comment.start).is_ok();
            let kind = match trimmed.starts_with('#') {
                true if is_comment() => PieceKind::Comment,
                true => PieceKind::Directive,
                false => PieceKind::Blank,
            };
            let piece = Piece { kind, span: Span::new(start, start + line.len()) };
            start = piece.span.end;
            match pieces.last_mut() {
                Some(last) if last.kind == kind && kind == PieceKind::Blank => {
                    last.span.end = start;
                }
                _ => pieces.push(piece),
            }
        }
    }
}
