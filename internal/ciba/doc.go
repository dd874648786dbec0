// Package ciba is the authorization server as a visit sees it: a
// kiosk.Authorizer that speaks OpenID Client-Initiated Backchannel Authentication
// (CIBA Core 1.0) in poll and ping mode, and beside it the device authorization grant
// (RFC 8628). It turns a request into what the server understands, and each answer,
// however wrong, into one verdict or one reason.
//
// It keeps no time between polls and no state between calls: when to poll, when
// to stop and what to show is package kiosk's. What must be known of OpenID Connect
// itself is package oidc's. What is peculiar to one server is data: see Profile.
//
// # What a request may cost
//
// A backchannel authentication request rings a phone, so it is sent once: on a new
// connection, where nothing is repeated, and after the metadata and the keys
// are at hand, without which the answer could not be checked. Nothing the server
// says makes it send a second one.
//
// # What is repeated of a server's words
//
// Nothing but its error code, and that only if it is one of those we know: whoever
// was asked for could stand, in any encoding, in everything else.
//
// # Duties of a client, and the tests that show them
//
// The duties of poll and ping mode in CIBA Core, numbered C and K as in our own reading
// of it, of ID-token validation, V, and of the RFCs beside it, by their numbers. M is
// MUST, S is SHOULD, O is optional, R our own where the specification is isUnanswered. A test
// reads this table and looks for every test in it.
//
//	C1   M  one delivery mode, poll                        TestServersThatDoNotOfferIt
//	C2   M  the grant type                                 TestThePollIsExactlyThis
//	C3   M  the same client authentication everywhere      TestTheProofIsTheSameAtBothEndpointsAndFreshEachTime
//	C3   M  likewise by certificate                        TestTheProofIsTheSameAtBothEndpointsAndFreshEachTime TestClientsWithACertificateGoToTheirOwnAddresses
//	C4   M  an https address for pings                     TestThePingAddressIsHTTPS
//	C5   M  signed only in a way that the server takes     TestServersThatTakeNoProofsAreOurMisconfiguration oidc.TestSignRequestRejectsUnsuitableKeys
//	C6   M  user_code only where it is published           TestUserCodes TestNeverSent
//	C7   M  keys are registered for pairwise subjects      enrol.TestRegisterWithApproval
//	C8   M  POST, form in the body only, https             TestTheRequestIsExactlyThis oidc.TestPlainHTTPIsForThisMachineOnly
//	C9   M  every request is authenticated                 TestTheProofIsTheSameAtBothEndpointsAndFreshEachTime
//	C9   S  a client assertion is addressed to the issuer  oidc.TestClientAssertion
//	C10  M  scope holds openid                             TestConfigurationsThatCannotWork TestTheRequestIsExactlyThis
//	C11  M  exactly one hint, never empty                  TestNeverSent TestLoginHints TestIdentifiersThatGoNowhere
//	C12  M  no notification token when polling             TestNeverSent
//	C12  M  a fresh one of 256 bits for each ping request  TestNotificationTokensAreFresh
//	C13  R  acr is checked where it was asked for          TestWhatTiesTheIDTokenToTheAnswerIsChecked
//	C15  S  a login hint token goes as it was scanned      TestParseHintToken
//	C16  M  an ID token as a hint is not sent                  TestNeverSent
//	C17  S  a short, plain, random binding message         TestBindingMessages TestABindingMessageTheServerDislikes
//	C18  M  a user code is asked for each time, not kept   TestUserCodes runner.TestUserCodeIsSentOnceAndNeverShown kiosk.TestUserCodeIsRequestedAndSentOnce
//	C19  R  the expiry that comes back counts              TestAcknowledgements TestRequestedExpiryKeepsToTheProfile
//	C20  S  no shared secret in the request                TestTheRequestIsExactlyThis oidc.TestClientKeyIsPreferredToSecret
//	C21  O  authorization_details, resource, audience      TestAuthorizationDetailsAreAskedFor TestOptionalParametersAreSentWhenSet
//	C22  M  a signed request has everything inside         TestASignedRequestLeavesNothingOutside
//	C23  O  what is JSON stands in it as JSON              oidc.TestSignRequestContainsAllParameters
//	C24  M  an asymmetric signature, ES256 or PS256        oidc.TestSignRequestContainsAllParameters oidc.TestSignRequestRejectsUnsuitableKeys
//	C25  M  iss, aud, exp, iat, nbf, jti                   oidc.TestSignRequestContainsAllParameters
//	C26  M  signed, never encrypted                        oidc.TestSignRequestContainsAllParameters
//	C27  R  good for two minutes                           oidc.TestSignRequestContainsAllParameters
//	C28  M  auth_req_id and expires_in must be there       TestAcknowledgements
//	C29  M  no readInterval means 5                            TestAcknowledgements
//	C30  M  auth_req_id is opaque                          TestAcknowledgements TestThePollIsExactlyThis
//	C31  M  auth_req_id is handed over to be kept          TestAcknowledgements TestWhatIsTooLargeToKeepIsNotAskedFor
//	C32  S  and so is the expiry                           TestAcknowledgements TestTheAgeOfAnAcknowledgementCountsFromWhenTheRequestLeft
//	C33  R  unknown members are ignored                    TestAcknowledgements
//	C34  M  no poll sooner than the readInterval                   kiosk.TestPollSchedule kiosk.TestInvariantsOnRandomWalk
//	C35  M  a long poll is followed at once                    kiosk.TestPollSchedule
//	C36  M  never two polls at once                            kiosk.TestNeverTwoPollsAtOnce kiosk.TestInvariantsOnRandomWalk
//	C36  M  one poll is one request                        TestVerdicts oidc.TestNothingIsResentByTheTransport
//	C37  S  a poll may take over 30 s                      TestAPollMayTakeLong
//	C38  S  Retry-After, both forms                        TestTheServersWishToBeLeftAlone TestAnAnswerThatIsCutOffStillSaysHowLongToWait
//	C39  M  slow_down is told, with its readInterval           TestSlowDownMayNameAnInterval TestVerdicts
//	C39  M  five seconds more, for good                        kiosk.TestPollSchedule runner.TestScheduleSurvivesPowerCut
//	C40  M  any other error is the end                     TestVerdicts
//	C41  M  a redeemed id is not polled again                  kiosk.TestVisit runner.TestRecovery kiosk.TestInvariantsOnRandomWalk
//	C42  O  in ping mode there are polls as well               kiosk.TestPingMakesPollDue
//	C43  M  push mode is refused, and its calls with it        config.TestEverySettingGoodAndBad
//	C44  R  an readInterval before the first poll                  kiosk.TestPollSchedule
//	C45  R  from the answer, but for a long poll               kiosk.TestPollSchedule
//	C46  R  faults make it slower, up to a minute              kiosk.TestPollSchedule
//	C47  R  an end by uptime, with a last look                 kiosk.TestLastSecondApproval kiosk.TestExpiry runner.TestWallClockChangeDuringVisit
//	C48  M  access_token, token_type, id_token are there   TestTokenResponses
//	C49  M  the ID token goes before the access token      TestUserInfoIsAskedOnlyAfterTheIDTokenWasFoundGenuine
//	C50  M  token_type is what was asked for, in any case  TestTokenResponses TestATokenThatIsNotBoundIsGivenBack TestTokensOfARefusedAnswerAreGivenBack
//	C51  M  the scopes that are needed were granted        TestTokenResponses TestTokensOfARefusedAnswerAreGivenBack
//	C53  R  at_hash, rt_hash, auth_req_id where present    TestWhatTiesTheIDTokenToTheAnswerIsChecked oidc.TestVerifyRejectsAttacks
//	C54  R  no ID token from before the request            oidc.TestVerifyRejectsAttacks
//	C55  R  the person asked for                           TestThePersonWhoApprovedIsThePersonAskedFor
//	C56  M  the ping address is https                      TestThePingAddressIsHTTPS
//	C57  M  POST, the request's own readToken, JSON           TestPings
//	C58  S  401 and 204                                    TestPings
//	C59  M  never 3xx                                      TestPings
//	C60  M  after a ping the token endpoint is asked       kiosk.TestPingMakesPollDue runner.TestPingBringsAnswerAtOnce
//	C61  R  a ping too many asks nothing; rate limit       TestAPingCountsOnce TestPingsForNothing TestAFloodKeepsNoPingOut
//	C62  R  a lost ping is made up for                     TestNotificationTokensAreFresh kiosk.TestPingMakesPollDue
//	C63  R  a ping before the acknowledgement is held      TestAPingBeforeTheAcknowledgement kiosk.TestPingBeforeAcknowledgement
//	C64  M  push: refused by the settings                      config.TestEverySettingGoodAndBad
//	C65  M  push: refused by the settings                      config.TestEverySettingGoodAndBad
//	C66  S  push: refused by the settings                      config.TestEverySettingGoodAndBad
//	C67  S  push: refused by the settings                      config.TestEverySettingGoodAndBad
//	1.1  M  metadata: what may be missing and what not      TestServersThatDoNotOfferIt oidc.TestDiscoveryFaults
//	1.1  R  an address that is not needed may be bad       TestBadAddressesOfEndpointsThatAreNotNeeded oidc.TestMalformedEndpointsCountAsAbsent
//	1.1  M  addresses for clients with a certificate       TestClientsWithACertificateGoToTheirOwnAddresses
//	1.9  M  the code decides, not the statusError               TestVerdicts
//	1.9  R  invalid_client after a wrong clock: once more      TestAProofMadeByAWrongClockIsMadeAnewOnce
//	1.10 M  likewise when asking                           TestWhatRefusalsComeTo
//	1.10 M  nothing is asked twice                         TestABindingMessageTheServerDislikes TestAfterAnyFaultTheRequestIsNotSentAgain TestTheRequestGoesOutOnANewConnection oidc.TestSendOnceNeverSendsTwice
//	1.10 M  what the customer can mend is asked for        TestUserCodes TestParseHintToken
//	1.11 S  what each server takes                             TestEveryFieldOfAProfileCounts TestEveryProfileIsSound TestServersAreRecognised
//	8705 M  client_id in every body                        TestTheProofIsTheSameAtBothEndpointsAndFreshEachTime oidc.TestCertificateMethodsSendTheClientIDOnly
//	8705 M  the certificate is shown to whoever asks       oidc.TestClientCertificateIsPresented oidc.TestParseCertificate
//	8705 S  aliases go first, each falls back              TestClientsWithACertificateGoToTheirOwnAddresses
//	8705 R  its end, and its refusal, are noticed          TestTheCertificatesEndIsInTheLog TestARefusedCertificateIsOurMisconfiguration oidc.TestCheckValidity
//	8707 M  resource at both endpoints                     TestTheResourceIsNamedAtBothEndpoints
//	9396 M  more than asked for is given back              TestMoreThanAskedForIsGivenBack
//	9449 M  a fresh proof with each token request          TestAPollProvesPossession oidc.TestDPoPProofs
//	9449 M  a nonce is answered at once, and once          TestANonceIsAnsweredAtOnceAndOnce TestABackchannelRequestIsNotSentAgainForANonce oidc.TestNoncesAreKeptByOrigin
//	9449 M  Bearer for a proof is refused                  TestATokenThatIsNotBoundIsGivenBack
//	9449 M  at resources with ath, and their nonce         TestUserInfoTakesAProofToo oidc.TestRequiresNonce
//	9449 R  a refused proof: the clock, if it is that      TestARefusedProofIsOftenTheClock
//	K1   S  a budget of pushes, pauses that grow               guard.TestAllow guard.TestPauses guard.TestAPrankster
//	K4   S  tokens nobody wants any more are revoked       TestRevocation TestTokensOfARefusedAnswerAreGivenBack
//	K6   S  identifiers are in no log                      TestServersCannotPutSecretsIntoErrorsOrLogs TestWhatIsRepeatedOfAnOAuthError oidc.TestTransportErrorsQuoteNothingOfTheServer
//	K7   S  one reason for unknown, no phone, policy       TestWhatRefusalsComeTo TestLookup
//	V1   M  form                                           oidc.TestVerifyRejectsAttacks strictjson.TestParse
//	V2   M  algorithm                                      oidc.TestVerifyRejectsAttacks oidc.TestDefaultAlgorithmsAreAsymmetric
//	V3   M  key                                            oidc.TestKeysAreSelectedByKidTypeCurveAndAlg
//	V4   S  unknown keys                                   oidc.TestUnknownKeyCausesOneFetchAMinute
//	V5   M  signature                                      oidc.TestVerifyRejectsAttacks
//	V6   M  issuer                                         oidc.TestVerifyRejectsAttacks
//	V7   M  audience                                       oidc.TestVerifyRejectsAttacks oidc.TestVerifyAcceptsGoodTokens
//	V8   S  azp                                            oidc.TestVerifyRejectsAttacks
//	V9   M  exp                                            oidc.TestVerifyRejectsAttacks
//	V10  M  iat                                            oidc.TestVerifyRejectsAttacks
//	V11  M  nbf, acr, nonce                                oidc.TestVerifyRejectsAttacks
//	V12  M  sub, and that it is the right one              oidc.TestVerifyRejectsAttacks TestThePersonWhoApprovedIsThePersonAskedFor
//	V13  R  hashes and auth_req_id                         oidc.TestVerifyRejectsAttacks
//	V14  S  no organisation is asked for                       TestNeverSent
//	V15  M  encrypted, which nobody registered: refused        oidc.TestVerifyRejectsAttacks
//	V16  M  UserInfo is about the same sub                 TestThePersonWhoApprovedIsThePersonAskedFor
//	3.11 S  the time, from Date over verified TLS              TestAVisitOnADeviceWithoutAClock oidc.TestClockLearnsFromDateHeader oidc.TestUntrustedDatesAreIgnored
//	3.11 M  no check of TLS is skipped for it                  oidc.TestLearntTimeSkipsNoTLSCheck
//	3.11 S  a jump of the wall clock changes nothing           TestAVisitOnADeviceWithoutAClock runner.TestWallClockChangeDuringVisit
//	8628 M  device authorization request and response      TestTheSecondRoad TestDeviceAuthorizationResponses
//	8628 M  its polls: the same schedule and verdicts      TestTheSecondRoad kiosk.TestDeviceFlowReplacesRequest
//	8628 S  the user code stands beside the picture        screen.TestScreens runner.TestDeviceFlowShowsAddressDuringWaiting
//	8628 R  the person asked for, here too                 TestOnTheSecondRoadNobodyElseGetsIn
//	7009 M  revocation by the client of the tokens         TestRevocation TestTheSecondRoad
//
// Of the other duties, C14, C68, K2, K3, K5 and K8 to K10 say nothing that a client could
// do wrong on the wire.
package ciba
