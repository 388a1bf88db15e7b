internal import Credentials
internal import Files
internal import TextEditing

/// A configuration that the client cannot read, so that the files that it names are not known: any
/// of them may contain a login.
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
