import Foundation
import Testing

/// What the README claims, and where it is proved: a test that is gone or has another name fails
/// here, and so does a claim that is no longer made.
@Suite struct ClaimTests {
    /// A sentence of the README, and tests, each as `Suite.test`. What is typed and what the tables
    /// say is proved beside, by `ReadmeTests` and `ComparisonTests`.
    static let claims: [(sentence: String, tests: [String])] = [
        (
            "keeps the passwords and tokens of docker, podman, git, cargo, terraform and npm out of",
            [
                "DockerTests.dockerLoginKeepsThePasswordInTheStoreAloneAndLogoutRemovesIt",
                "PodmanTests.podmanLogsInAndOut",
                "GitTests.aPasswordIsStoredOnceItWasRightAndServesCloneAndPush",
                "CargoTests.aTokenServesEveryOperationUntilLogout",
                "TerraformTests.aTokenOpensAPrivateModuleUntilLogout",
                "NpmTests.importExecAndExportGiveWhatItHad",
            ]
        ),
        (
            "anywhere else in an encrypted file",
            [
                "HelperWithoutKeyringTests.theFileServes",
                "FileStoreTests.neitherTheServerNorTheUserNorTheSecretIsInTheFile",
            ]
        ),
        (
            "when you log out, it removes them or\nsays what is left",
            [
                "LogoutTests.aLoginInBothPlacesIsRemovedFromBoth",
                "LogoutTests.aLockedKeyringKeepsTheLoginAndThatIsSaid",
                "LogoutFilesTests.nothingOfALoginIsLeftAnywhere",
            ]
        ),
        (
            "need neither Swift nor a compiler where they run: glibc and libsodium",
            ["ReleaseTests.itNeedsNoLibraryButTheFewThatItIsMeantToNeed"]
        ),
        ("libsecret for the keyring", ["HelperWithoutKeyringTests.theFileServes"]),
        (
            "Keyfob uses the same items of the same keyring",
            [
                "SecretServiceHelperTests.whatItStoredIsFoundListedAndErased",
                "SecretServiceHelperTests.itFindsListsAndErasesWhatWasStored",
            ]
        ),
        (
            "GNOME Keyring, KWallet or KeePassXC",
            [
                "KeyringStoreTests.keepsTheContract", "KWalletTests.keepsTheContract",
                "KeePassXCTests.keepsTheContract",
            ]
        ),
        (
            "the keyring while you are logged in; without it, an error for its logins",
            [
                "OutOfReachTests.theUsersBusIsFoundWhereTheVariablesAreMissing",
                "OutOfReachTests.theCommandSaysSoToo",
            ]
        ),
        (
            "A keyring that is locked or fails is an error: Keyfob never stores a login in the file",
            [
                "HelperWithLockedKeyringTests.anEmptyLockedKeyringTakesNothingAndHasNothing",
                "FaultTests.everyAnswerIsTrue",
            ]
        ),
        (
            "A generated key\nprotects only copies of the file",
            ["KeySourceTests.theFirstStoreMakesAKeyAndSaysSoOnce"]
        ),
        (
            "docker-compose pull           # asks for nothing now",
            ["ComposeTests.afterOneUnlockAPullAsksForNothing"]
        ),
        (
            "Without `keyfob unlock` each program that needs the passphrase asks for it",
            ["ComposeTests.aPullOfThreePrivateImagesIsGivenEachItsLogin"]
        ),
        (
            "type the passphrase once after each boot, for all your programs, cron jobs and services",
            [
                "UnlockTests.everyProcessOfTheUserOpensTheFile",
                "UnlockTests.aReleasedKeyOpensNothing",
            ]
        ),
        (
            "It reports what happened in each place, and fails unless nothing is left",
            ["LogoutTests.aLockedKeyringKeepsTheLoginAndThatIsSaid"]
        ),
    ]

    @Test func everyClaimHasItsTests() throws {
        let text = try Readme().text
        let tests = try Self.tests()
        for (sentence, names) in Self.claims {
            #expect(text.contains(sentence), "not in the README")
            for name in names { #expect(tests.contains(name), "\(name)") }
        }
    }

    @Test func theCostsAreTheBenchmarks() throws {
        let benchmark = try Benchmark()
        let keyring = benchmark.milliseconds("get", "keyring", logins: 1, of: "keyfob")
        let file = benchmark.milliseconds("get", "file", logins: 1, of: "keyfob")
        let ratios = benchmark.ratios("keyring get, ", ", to secretservice's").sorted()
        let pass = try #require(benchmark.ratios("file get, 1 login, to pass's").first)
        func figure(_ value: Double?, _ format: String = "%.2f") throws -> String {
            try String(format: format, #require(value))
        }
        let costs = try """
        A get takes \(figure(keyring, "%.0f")) ms from a keyring and \
        \(figure(file, "%.1f")) ms from the encrypted file: \
        \(figure(ratios.first)) to \(figure(ratios.last)) of docker-credential-secretservice's \
        time, and \(figure(pass)) of docker-credential-pass's
        """
        #expect(try Readme().text.replacing("\n", with: " ").contains(costs), "\(costs)")
    }

    /// The names of all tests, as `Suite.test`.
    private static func tests() throws -> Set<String> {
        let folder = "\(Readme.sources)/Tests"
        let files = try #require(FileManager.default.enumerator(atPath: folder)).compactMap {
            $0 as? String
        }
        return try Set(
            files.filter { $0.hasSuffix(".swift") }.flatMap { file in
                let text = try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
                let suite = ((file as NSString).lastPathComponent as NSString).deletingPathExtension
                return text.matches(of: /func ([A-Za-z0-9]+)\(/).map { "\(suite).\($0.1)" }
            })
    }
}
