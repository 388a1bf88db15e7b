package import Credentials
package import TextEditing

/// A helper setting is the place in a client's configuration where it is told which program keeps
/// its logins.
package protocol HelperSetting: Sendable {
    var file: ClientFile { get }

    /// What the client calls it.
    var name: String { get }

    /// What stands there now, as the client writes it; nil if nothing does.
    func value(in content: Secret?) throws(StoreError) -> String?

    /// Whether Keyfob is what stands there.
    func isOurs(_ value: String) -> Bool

    /// How the content is changed so that Keyfob stands there. Throws `failed` if that cannot be done
    /// without losing something.
    func splice(into content: Secret?) throws(StoreError) -> Splice

    /// How it is undone where the client has written the file anew since; `before` is the text that
    /// the splice removed. Nil if Keyfob does not stand there, or that cannot be told.
    func restoration(of content: Secret, before: String) throws(StoreError) -> Splice?
}

extension HelperSetting {
    package func restoration(of content: Secret, before: String) throws(StoreError) -> Splice? {
        nil
    }
}
