internal import Clients
internal import Credentials
internal import Files

extension Invocation {
    /// Returns a function that returns why a login must stay in a file of the client: another client
    /// is installed, reads the file, and does not ask Keyfob for the login of this account. Its
    /// result is nil if there is none.
    func otherReaders(
        of file: ClientFile, besides client: any Client, _ account: AccountName?
    ) -> (Entry) -> StoreError? {
        let others = client.otherReaders(of: file, in: surroundings)
        let asking = others.map { ($0, try? accounts(askedBy: $0)) }
        return { entry in
            guard let (reader, _) = asking.first(where: { $1?(entry) != .some(account) }) else {
                return nil
            }
            let program = reader.installed(in: surroundings) ?? reader.name.string
            return StoreError(
                .readByAnother,
                "\(program) reads this file, too, and does not ask Keyfob for it",
                hint: "keyfob setup \(reader.name); then again: keyfob import")
        }
    }
}
