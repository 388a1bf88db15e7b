internal import Credentials
internal import Files

/// The use that git makes of the files of its helper `store` in other folders than the current one,
/// and after a setup.
struct GitElsewhere: Sendable {
    /// The helpers that git knows outside of every repository, and without variables; nil if they
    /// cannot be read.
    private let outside: [GitHelper]?
    /// The files that it includes in some folders.
    private let conditional: [GitConfiguration]

    init(_ conditional: [GitConfiguration], _ surroundings: Surroundings) {
        self.conditional = conditional
        outside = (try? GitConfiguration(surroundings, outside: true))?.helpers
            .filter(\.isLasting)
    }

    /// Adds to a use the reason why a login of the file must stay, if there is one. `here` is what
    /// git reads in the current folder.
    func judge(
        _ use: inout GitCredentials.Use, of file: ClientFile, for login: Entry,
        _ here: GitConfiguration
    ) {
        let address = GitAddress(login.attributes)
        func reads(_ helpers: [GitHelper]) -> Bool { helpers.contains { $0.reads(file) } }
        func asksUs(_ helpers: [GitHelper]) -> Bool { helpers.contains(where: \.isOurs) }
        let asked = here.answering(address).helpers
        for some in conditional {
            let (emptied, helpers) = some.answering(address)
            guard let path = some.file?.path, reads(helpers) else { continue }
            if !reads(asked) {
                use.disuse = use.disuse ?? "git reads this file only where it includes \(path)"
            } else if emptied != nil, !asksUs(helpers) {
                use.refusal = "git does not ask Keyfob for it where it includes \(path)"
            }
        }
        guard asksUs(asked) else { return }
        if let elsewhere = outside.map({ GitConfiguration.answering(address, among: $0).helpers }),
            !asksUs(elsewhere), reads(elsewhere)
        {
            use.refusal = "git asks Keyfob for it only here, by this folder or a variable"
        }
    }
}
