internal import Clients
internal import Credentials
internal import Files

/// The way from a client to Keyfob: its setting, and the program that it runs.
extension Client {
    /// Returns the plan of a setup, and the program that it names. Throws `failed` if the setup would
    /// fail.
    func possiblePlan(
        for registry: String?, in surroundings: Surroundings
    ) throws(StoreError) -> (plan: SetupPlan, program: String) {
        let plan = try plan(for: registry, in: surroundings)
        let program = try surroundings.program(self.program?.rawValue ?? "", for: self)
        if plan.splice != nil { try plan.file.requireEditable() }
        return (plan, program)
    }

    /// Returns the programs that the client would run, and cannot.
    func missing(of keeper: Keeper, in surroundings: Surroundings) -> [String] {
        guard keeper.isOurs, keeper.account == nil, link(in: surroundings) == nil,
            let program = program?.rawValue, !keeper.missing.contains(program),
            surroundings.program(program) == nil
        else { return keeper.missing }
        return keeper.missing + [program]
    }

    /// Returns why the client could not get a login of the file from Keyfob; nil if it could, or if
    /// it goes on to read the file. `isAsked` says that its configuration names Keyfob for the login
    /// already.
    func refusal(
        isAsked: Bool, of file: ClientFile, in surroundings: Surroundings
    ) -> StoreError? {
        guard program != nil, installed(in: surroundings) != nil else { return nil }
        do throws(StoreError) {
            let keeper = try keeper(in: surroundings)
            // A name may be on the PATH of another shell, and a link is made by the next setup.
            let gone = keeper.missing.first { path in
                path.contains("/")
                    && ProgramName.reading(path.split(separator: "/").last.map(String.init) ?? "")
                        != nil
            }
            if isAsked, link(in: surroundings) == nil, let gone {
                throw StoreError(
                    .programNotRun, "\(name) cannot run \(gone): not found, or not executable",
                    hint: "see: keyfob status")
            }
            if !isAsked, !keeper.isAsked {
                let plan = try plan(for: nil, in: surroundings)
                if plan.splice != nil, plan.file.identity != file.identity {
                    try plan.file.requireEditable()
                }
            }
            return nil
        } catch {
            return error
        }
    }
}
