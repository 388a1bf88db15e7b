/// A login is what `get` answers.
struct Login: Decodable, Equatable {
    let username: String
    let secret: String

    init(_ username: String, _ secret: String) {
        self.username = username
        self.secret = secret
    }

    private enum CodingKeys: String, CodingKey {
        case username = "Username"
        case secret = "Secret"
    }
}
