package import Credentials
package import Files
package import TextEditing

/// A setup plan is the change that makes a client use Keyfob.
package struct SetupPlan: Sendable {
    /// The file that is changed.
    package let file: ClientFile
    /// The setting, as the client names it.
    package let setting: String
    /// The helper that the setting names now, and the one that it will name.
    package let before: String?
    package let after: String
    /// The content of the file; nil if there is no file.
    package let content: Secret?
    /// The change; nil if the setting names Keyfob already.
    package let splice: Splice?
    /// The next steps and notes for the user.
    package var advice: [String] = []
    /// The helper that the client used until now without a setting that names it; nil if it named
    /// one, or used none.
    package var chosen: String?
}

extension SetupPlan {
    init(_ setting: some HelperSetting, advice: [String]) throws(StoreError) {
        let content = try setting.file.read()
        let before = try setting.value(in: content)
        if let before, setting.isOurs(before) {
            self.init(
                file: setting.file, setting: setting.name, before: before, after: before,
                content: content, splice: nil)
            return
        }
        let splice = try setting.splice(into: content)
        self.init(
            file: setting.file, setting: setting.name, before: before,
            after: try setting.value(in: splice.applied(to: content)) ?? "", content: content,
            splice: splice, advice: advice)
    }
}

/// A helper setting is the setting in a client's configuration that names the program that keeps
/// its logins.
protocol HelperSetting: Sendable {
    var file: ClientFile { get }

    /// The setting, as the client names it.
    var name: String { get }

    /// Returns the value of the setting, as the client writes it; nil if there is none.
    func value(in content: Secret?) throws(StoreError) -> String?

    /// Returns true if the value names Keyfob.
    func isOurs(_ value: String) -> Bool

    /// Returns the change after which the setting names Keyfob. Throws if the change would
    /// lose something.
    func splice(into content: Secret?) throws(StoreError) -> Splice
}
