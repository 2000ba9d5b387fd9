export default Promise.resolve([{ script: "ok.js", treekill: "no" }])
