package layout

import (
	"fmt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
	"github.com/ciba-kiosk/ciba-kiosk/kiosk/screen"
)

func keysOf(kv ...string) (out []screen.Key) {
	for i := 0; i < len(kv); i += 2 {
		out = append(out, screen.Key{Cap: kv[i], Text: kv[i+1]})
	}
	return out
}

func fields(n int) (out []kiosk.Field) {
	for i := range n {
		out = append(out, kiosk.Field{Label: fmt.Sprintf("Label%02d", i), Value: fmt.Sprintf("value%02d of the customer", i)})
	}
	return out
}

// samples returns one screen of every kind with long texts.
func samples() map[string]screen.Screen {
	const site = "Corner Shop, till 3"
	waiting := screen.Screen{
		Phase: kiosk.Waiting, Tone: screen.Busy, Site: site, Title: "Look at your phone", Aside: "Asked for: al***e", Picture: screen.PhonePicture, Code: "K7-4F9Q", SpelledCode: "K 7 - 4 F 9 Q",
		Gauge: &screen.Gauge{Part: 0.62, Text: "74 seconds left"},
		Lines: []string{"Approve only if your phone shows the same code.", "Open your app if nothing pops up."},
		Keys:  keysOf("F1", "Nothing arrived?", "Esc", "Cancel"),
	}
	help := waiting
	help.Aside, help.Tone, help.Warning = "", screen.Alert, "Connection lost, still trying."
	help.Lines = []string{"Is your phone switched on, and online?", "Open the app; the request may wait there.", "If it is another phone now, please ask a member of staff."}
	help.Keys = keysOf("F1", "Back", "Esc", "Cancel")
	shown := screen.Screen{Phase: kiosk.Shown, Tone: screen.Good, Site: site, Title: "Your customer card", Details: fields(15),
		Paging: "Page {page} of {pages}", Keys: keysOf("Down", "More", "Esc", "Done")}
	few := shown
	few.Details, few.Keys = fields(3), keysOf("Esc", "Done")
	still := shown
	still.Notice = &screen.Notice{Title: "Are you still there?", Text: "Your details disappear in 17 seconds."}
	still.Keys = keysOf("Any key", "I need more time", "Esc", "Done")
	identify := screen.Screen{Phase: kiosk.Identify, Site: site, Title: "Who are you?", Headline: "Who are you?", Picture: screen.PersonPicture,
		Entry: &screen.Entry{Label: "Your user name", Example: "for example alice"},
		Lines: []string{"It is used once, to ring your phone, and then forgotten."},
		Keys:  keysOf("Enter", "Ring my phone", "Tab", "Deutsch", "Esc", "Cancel")}
	typed, problem := identify, identify
	typed.Entry = &screen.Entry{Label: "Your user name", Text: "alice", Example: "for example alice"}
	problem.Entry = &screen.Entry{Label: "Your e-mail address", Text: "alice@example", Example: "for example alice@example.org", Problem: "The part after @ has no dot."}
	ready := screen.Screen{Phase: kiosk.Ready, Site: site, Title: "Scan your card or press any key", Headline: "Sign in here", Picture: screen.CardPicture, Languages: "English, Deutsch",
		Lines: []string{"Your phone will ring. You approve there, and see your details here."},
		Keys:  keysOf("Any key", "Begin", "Tab", "Deutsch")}
	linked := ready
	linked.Link = &screen.Link{URL: "https://kiosk.example/a/7F3K-9QZX", Caption: "No card? Scan this code with your phone."}
	return map[string]screen.Screen{
		"ready": ready, "ready with a QR code": linked, "entry empty": identify, "entry typed": typed, "entry wrong": problem,
		"closed": {Phase: kiosk.Closed, Tone: screen.Alert, Site: site, Title: "Out of service",
			Lines: []string{"The service that rings your phone cannot be reached just now.", "Please ask a member of staff.", "This device: kiosk-17, 192.0.2.17"}},
		"asking":  {Phase: kiosk.Asking, Tone: screen.Busy, Site: site, Title: "Contacting your phone ...", Lines: []string{"This takes a few seconds."}, Keys: keysOf("Esc", "Cancel")},
		"waiting": waiting, "waiting with help and a warning": help,
		"checking": {Phase: kiosk.Checking, Tone: screen.Good, Site: site, Title: "Approved. One moment ...",
			Steps: []screen.ListStep{{Text: "Approved on your phone", State: screen.Done}, {Text: "Checking the answer", State: screen.Doing}, {Text: "Fetching your details"}}, Keys: keysOf("Esc", "Cancel")},
		"hidden": {Phase: kiosk.Shown, Tone: screen.Good, Site: site, Title: "Your details are ready", Lines: []string{"Press any key to see them."}, Keys: keysOf("Any key", "Show", "Esc", "Done")},
		"few":    few, "many": shown, "still there": still,
		"ended": {Phase: kiosk.Ended, Tone: screen.Bad, Site: site, Title: "You declined on your phone", Headline: "Declined", Picture: screen.CrossPicture, Lines: []string{"Nothing is kept. If it was not you, please tell a member of staff."}, Keys: keysOf("1", "Ask again", "Esc", "Done")},
	}
}
