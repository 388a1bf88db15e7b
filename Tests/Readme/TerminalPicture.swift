/// A picture of a terminal, as SVG: commands and what they print, drawn with no font or program but
/// those of whoever looks at it.
struct TerminalPicture {
    enum Line {
        case typed(String)
        case printed(String)
    }

    private let lines: [(text: String, style: String)]

    private static let columns = 80
    /// In pixels.
    private static let (character, row, margin) = (8.4, 20, 18)

    /// A line longer than the terminal goes on in the next.
    init(_ lines: [Line]) {
        self.lines = lines.flatMap { line in
            switch line {
            case .typed(let text): TerminalPicture.wrapped("$ " + text).map { ($0, "typed") }
            case .printed(let text):
                TerminalPicture.wrapped(text).map { ($0, TerminalPicture.style(of: text)) }
            }
        }
    }

    private static func wrapped(_ text: String) -> [String] {
        guard text.count > columns else { return [text] }
        return [String(text.prefix(columns))] + wrapped(String(text.dropFirst(columns)))
    }

    private static func style(of text: String) -> String {
        if text.hasPrefix("keyfob: ") { return "aside" }
        return text == "all is well" ? "good" : "printed"
    }

    var svg: String {
        let width = Int(Double(Self.columns) * Self.character) + 2 * Self.margin
        let height = lines.count * Self.row + 2 * Self.margin
        var svg = """
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 \(width) \(height)" \
            width="\(width)" height="\(height)" role="img">
            <title>From plain text to all is well, at a terminal</title>
            <style>
            text { font: 14px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; \
            white-space: pre }
            .typed { fill: #ffffff; font-weight: bold }
            .printed { fill: #c9d1d9 }
            .aside { fill: #8b949e }
            .good { fill: #3fb950; font-weight: bold }
            </style>
            <rect width="\(width)" height="\(height)" rx="8" fill="#0d1117"/>

            """
        for (index, line) in lines.enumerated() where !line.text.isEmpty {
            let y = Self.margin + index * Self.row + 14
            // However wide the font is, a line is as long as its characters are many.
            let length = Int(Double(line.text.count) * Self.character)
            svg += """
                <text class="\(line.style)" x="\(Self.margin)" y="\(y)" textLength="\(length)" \
                xml:space="preserve">\(Self.escaped(line.text))</text>

                """
        }
        return svg + "</svg>\n"
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
    }
}
