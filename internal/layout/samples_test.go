package layout

import (
	"fmt"

	"github.com/ciba-kiosk/ciba-kiosk/kiosk"
)

func keysOf(kv ...string) (out []kiosk.Key) {
	for i := 0; i < len(kv); i += 2 {
		out = append(out, kiosk.Key{Cap: kv[i], Text: kv[i+1]})
	}
	return out
}

func fields(n int) (out []kiosk.Field) {
	for i := range n {
		out = append(out, kiosk.Field{Label: fmt.Sprintf("Label%02d", i), Value: fmt.Sprintf("value%02d of the customer", i)})
	}
	return out
}

// samples is one screen of every kind, as long as they get.
func samples() map[string]kiosk.Screen {
	const site = "Corner Shop, till 3"
	waiting := kiosk.Screen{
		Phase: kiosk.Waiting, Tone: kiosk.Busy, Site: site, Title: "Look at your phone", Code: "K7-4F9Q", SpelledCode: "K 7 - 4 F 9 Q",
		Gauge: &kiosk.Gauge{Part: 0.62, Text: "74 seconds left"},
		Lines: []string{"Approve only if your phone shows the same code.", "Open your app if nothing pops up.", "We are asking for al***e."},
		Keys:  keysOf("F1", "Nothing arrived?", "Esc", "Cancel"),
	}
	help := waiting
	help.Tone, help.Warning = kiosk.Alert, "Connection lost, still trying."
	help.Lines = []string{"Is your phone switched on, and online?", "Open the app; the request may wait there.", "If it is another phone now, please ask a member of staff."}
	help.Keys = keysOf("F1", "Back", "Esc", "Cancel")
	shown := kiosk.Screen{Phase: kiosk.Shown, Tone: kiosk.Good, Site: site, Title: "Your customer card", Details: fields(15),
		Paging: "Page {page} of {pages}", Keys: keysOf("Down", "More", "Esc", "Done")}
	few := shown
	few.Details, few.Keys = fields(3), keysOf("Esc", "Done")
	still := shown
	still.Notice = &kiosk.Notice{Title: "Are you still there?", Text: "Your details disappear in 17 seconds."}
	still.Keys = keysOf("Any key", "I need more time", "Esc", "Done")
	identify := kiosk.Screen{Phase: kiosk.Identify, Site: site, Title: "Who are you?",
		Entry: &kiosk.Entry{Label: "Your user name", Example: "for example alice"},
		Lines: []string{"It is used once, to ring your phone, and then forgotten."},
		Keys:  keysOf("Enter", "Ring my phone", "Tab", "Deutsch", "Esc", "Cancel")}
	typed, problem := identify, identify
	typed.Entry = &kiosk.Entry{Label: "Your user name", Text: "alice", Example: "for example alice"}
	problem.Entry = &kiosk.Entry{Label: "Your e-mail address", Text: "alice@example", Example: "for example alice@example.org", Problem: "The part after @ has no dot."}
	ready := kiosk.Screen{Phase: kiosk.Ready, Site: site, Title: "Scan your card or press any key",
		Lines: []string{"Your phone will ring. You approve there, and see your details here."},
		Keys:  keysOf("Any key", "Begin", "Tab", "Deutsch")}
	linked := ready
	linked.Link = &kiosk.Link{URL: "https://kiosk.example/a/7F3K-9QZX", Caption: "No card? Scan this code with your phone."}
	return map[string]kiosk.Screen{
		"ready": ready, "ready with a QR code": linked, "entry empty": identify, "entry typed": typed, "entry wrong": problem,
		"closed": {Phase: kiosk.Closed, Tone: kiosk.Alert, Site: site, Title: "Out of service",
			Lines: []string{"The service that rings your phone cannot be reached just now.", "Please ask a member of staff.", "This device: kiosk-17, 192.0.2.17"}},
		"asking":  {Phase: kiosk.Asking, Tone: kiosk.Busy, Site: site, Title: "Contacting your phone ...", Lines: []string{"This takes a few seconds."}, Keys: keysOf("Esc", "Cancel")},
		"waiting": waiting, "waiting with help and a warning": help,
		"checking": {Phase: kiosk.Checking, Tone: kiosk.Good, Site: site, Title: "Approved. One moment ...",
			Steps: []kiosk.ListStep{{Text: "Approved on your phone", State: kiosk.Done}, {Text: "Checking the answer", State: kiosk.Doing}, {Text: "Fetching your details"}}, Keys: keysOf("Esc", "Cancel")},
		"hidden": {Phase: kiosk.Shown, Tone: kiosk.Good, Site: site, Title: "Your details are ready", Lines: []string{"Press any key to see them."}, Keys: keysOf("Any key", "Show", "Esc", "Done")},
		"few":    few, "many": shown, "still there": still,
		"ended": {Phase: kiosk.Ended, Tone: kiosk.Bad, Site: site, Title: "You declined on your phone", Lines: []string{"Nothing is kept. If it was not you, please tell a member of staff."}, Keys: keysOf("1", "Ask again", "Esc", "Done")},
	}
}
