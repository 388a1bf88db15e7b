import Credentials
import JSON
import Testing

@testable import Stores

/// When a token ends, in every form in which tools write it, and how long it is used then.
@Suite struct ExpiryTests {
    @Test(
        arguments: [
            ("1436361045", 1_436_361_045), ("1436361045.123", 1_436_361_045), ("0", 0), ("-5", 0),
            (#""1436361045""#, 1_436_361_045), (#""2026-11-30T12:34:56Z""#, 1_796_042_096),
            (#""2026-11-30T12:34:56.789123+00:00""#, 1_796_042_096),
            (#""2026-11-30T14:34:56+02:00""#, 1_796_042_096),
            (#""2026-11-30T04:04:56-0830""#, 1_796_042_096),
            (#""2026-11-30 12:34:56Z""#, 1_796_042_096),
            (#""2024-02-29T00:00:00Z""#, 1_709_164_800),
            (#""2000-03-01T00:00:00Z""#, 951_868_800), (#""1970-01-01T00:00:00Z""#, 0),
            (#""1969-12-31T23:59:59Z""#, 0), (#""2015-01-01T00:00:00Z""#, 1_420_070_400),
            (#""2026-11-30T12:34:56""#, nil), (#""2026-11-30""#, nil), (#""tomorrow""#, nil),
            (#""2026-13-30T12:34:56Z""#, nil), (#""2026-11-30T24:00:00Z""#, nil),
            (#""2026-11-30T12:34:56.Z""#, nil), (#""2026-11-30T12:34:56Zx""#, nil),
            ("null", nil), ("true", nil), (#""""#, nil), ("1e10", nil), ("[]", nil),
            (#""99999999999999999999""#, nil),
        ] as [(String, UInt64?)])
    func anEndIsRead(text: String, seconds: UInt64?) throws {
        #expect(Expiry.seconds(try JSON(decoding: text.secret)) == seconds)
    }

    /// Until a minute before its end, and no longer than half of its time.
    @Test(
        arguments: [
            (43_200, nil, 21_600), (43_200, 600, 600), (43_200, 30_000, 21_600), (110, nil, 50),
            (61, nil, 1), (60, nil, 0), (5, nil, 0), (0, nil, 0), (-100_000, nil, 0),
            (-100_000, 600, 0), (nil, nil, 0), (nil, 600, 600), (4_000_000_000, nil, 0),
            (4_000_000_000, 600, 600),
        ] as [(Int?, Int?, UInt64)])
    func aTokenIsUsedForAPartOfItsTime(end: Int?, lifetime: Int?, fresh: UInt64) throws {
        let now: UInt64 = 1_800_000_000
        let answer = try Answer(
            username: "u", secret: "s".secret, end: end.map { UInt64(Int(now) + $0) })
        let token = TokenCache.Token(
            answer, for: RoutedServer(host: "h", labels: []), asked: (now, 0), came: 0,
            lifetime: lifetime)
        #expect(token.fresh == fresh)
    }

    /// By both clocks: one that is set forward ends it too early, and never too late.
    @Test(
        arguments: [
            (0, 0, true), (599, 599, true), (600, 600, false), (599, 600, false), (600, 599, false),
            (-1, 0, false), (-500, 100, false), (-500, 700, false), (100, 700, false),
            (5000, 100, false), (10, -1, false),
        ])
    func aClockThatIsSetDoesNotProlongIt(wall: Int, system: Int, isUsable: Bool) throws {
        let (now, start) = (1_800_000_000, 1_000_000)
        let token = TokenCache.Token(
            try Answer(username: "u", secret: "s".secret), for: RoutedServer(host: "h", labels: []),
            asked: (UInt64(now), UInt64(start)), came: 0, lifetime: 600)
        let clock = TokenCache.Clock(
            seconds: { UInt64(now + wall) }, uptime: { UInt64(start + system * 1000) })
        #expect(token.isUsable(clock) == isUsable)
    }
}
