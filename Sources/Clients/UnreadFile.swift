internal import Credentials
internal import Files
internal import TextEditing

/// A configuration that may name files that are not known, because the client cannot read it, or it
/// names them by a variable: any of them may contain a login.
struct UnreadFile: PlaintextFile {
    let client: any Client
    let file: ClientFile
    let error: StoreError

    var isEdited: Bool { true }

    func contents(of content: Secret) throws(StoreError) -> PlaintextContents { throw error }

    func cut(
        where isMeant: LoginTest, of content: Secret, in edits: inout Edits, keepsMarks: Bool
    ) throws(StoreError) -> [Entry] { throw error }
}
