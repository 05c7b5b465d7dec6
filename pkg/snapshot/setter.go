package snapshot

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
	corev1 "k8s.io/api/core/v1"
)

// setter sets a value of one type from a node that is not null.
type setter func(*filler, *yaml.Node, reflect.Value)

// nodeSetter is a type that reads itself from a node.
type nodeSetter interface {
	setFrom(*filler, *yaml.Node)
}

var (
	nodeSetterType  = reflect.TypeFor[nodeSetter]()
	unmarshalerType = reflect.TypeFor[json.Unmarshaler]()
	textsType       = reflect.TypeFor[map[string]string]()
)

// unread is the types of which no fact is made. Fields of these types are passed
// over, right or wrong; they are most of a Pod.
var unread = map[reflect.Type]bool{
	reflect.TypeFor[*corev1.Affinity]():                  true,
	reflect.TypeFor[[]corev1.ContainerImage]():           true,
	reflect.TypeFor[[]corev1.ContainerPort]():            true,
	reflect.TypeFor[[]corev1.EphemeralContainer]():       true,
	reflect.TypeFor[[]corev1.PodCondition]():             true,
	reflect.TypeFor[*corev1.PodSecurityContext]():        true,
	reflect.TypeFor[*corev1.Probe]():                     true,
	reflect.TypeFor[corev1.ResourceList]():               true,
	reflect.TypeFor[corev1.ResourceRequirements]():       true,
	reflect.TypeFor[*corev1.SecurityContext]():           true,
	reflect.TypeFor[[]corev1.Toleration]():               true,
	reflect.TypeFor[[]corev1.Volume]():                   true,
	reflect.TypeFor[[]corev1.VolumeMount]():              true,
	reflect.TypeFor[map[string][]byte]():                 true,
	reflect.TypeFor[[]corev1.NodeCondition]():            true,
	reflect.TypeFor[[]corev1.TopologySpreadConstraint](): true,
}

// setterOf is the setter of t, or nil when nothing is read of it.
func setterOf(t reflect.Type) setter {
	if unread[t] {
		return nil
	}
	switch pointer := reflect.PointerTo(t); {
	case pointer.Implements(nodeSetterType):
		return func(f *filler, n *yaml.Node, v reflect.Value) { v.Addr().Interface().(nodeSetter).setFrom(f, n) }
	case pointer.Implements(unmarshalerType):
		return setByJSON
	case t == textsType:
		return setTexts
	}
	switch t.Kind() {
	case reflect.Pointer:
		return pointerSetter(t)
	case reflect.Struct:
		return structSetter(t)
	case reflect.Slice:
		if t.Elem().Kind() != reflect.Uint8 {
			return sliceSetter(t)
		}
	case reflect.Map:
		return mapSetter(t)
	case reflect.String:
		return setText
	case reflect.Bool:
		return setBool
	case reflect.Int, reflect.Int32, reflect.Int64:
		return setInt
	case reflect.Interface:
		return setAny
	}
	return nil
}

func pointerSetter(t reflect.Type) setter {
	elem := lazySetter(t.Elem())
	return func(f *filler, n *yaml.Node, v reflect.Value) {
		if set := elem(); set != nil {
			if v.IsNil() {
				v.Set(reflect.New(t.Elem()))
			}
			set(f, n, v.Elem())
		}
	}
}

func sliceSetter(t reflect.Type) setter {
	elem := lazySetter(t.Elem())
	return func(f *filler, n *yaml.Node, v reflect.Value) {
		set := elem()
		switch {
		case n.Kind != yaml.SequenceNode:
			f.wrong(n, "a list")
			return
		case set == nil:
			return
		}
		list := reflect.MakeSlice(t, len(n.Content), len(n.Content))
		for i, c := range n.Content {
			f.itemValue(i, c, list.Index(i), set)
		}
		v.Set(list)
	}
}

func mapSetter(t reflect.Type) setter {
	if t.Key().Kind() != reflect.String {
		return nil
	}
	elem := lazySetter(t.Elem())
	return func(f *filler, n *yaml.Node, v reflect.Value) {
		set := elem()
		switch {
		case n.Kind != yaml.MappingNode:
			f.wrong(n, "a mapping")
			return
		case set == nil:
			return
		}
		content := f.fields(n)
		m := reflect.MakeMapWithSize(t, len(content)/2)
		for i := 0; i+1 < len(content); i += 2 {
			value := reflect.New(t.Elem()).Elem()
			f.fieldValue(content[i].Value, content[i+1], value, set)
			m.SetMapIndex(reflect.ValueOf(content[i].Value).Convert(t.Key()), value)
		}
		v.Set(m)
	}
}

// setTexts is the setter of labels, annotations and the like, without reflection.
func setTexts(f *filler, n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		f.wrong(n, "a mapping")
		return
	}
	content := f.fields(n)
	texts := make(map[string]string, len(content)/2)
	for i := 0; i+1 < len(content); i += 2 {
		var s string
		f.fieldValue(content[i].Value, content[i+1], reflect.ValueOf(&s).Elem(), setText)
		texts[content[i].Value] = s
	}
	v.Set(reflect.ValueOf(texts))
}

func setText(f *filler, n *yaml.Node, v reflect.Value) {
	if scalarType(n) != textual {
		f.wrong(n, "text")
		return
	}
	v.SetString(n.Value)
}

func setBool(f *filler, n *yaml.Node, v reflect.Value) {
	if scalarType(n) != boolean {
		f.wrong(n, "true or false")
		return
	}
	v.SetBool(isTrue(n))
}

func setInt(f *filler, n *yaml.Node, v reflect.Value) {
	if i, ok := numberOf(n).(int64); ok && !v.OverflowInt(i) {
		v.SetInt(i)
		return
	}
	f.wrong(n, "a whole number")
}

func setAny(f *filler, n *yaml.Node, v reflect.Value) {
	if x := f.any(n); x != nil {
		v.Set(reflect.ValueOf(x))
	}
}

// numberOf is n as an int64 or, when that does not hold it, a float64; nil when it
// is no number.
func numberOf(n *yaml.Node) any {
	if scalarType(n) != number {
		return nil
	}
	var x any
	if err := n.Decode(&x); err != nil {
		return nil
	}
	switch x := x.(type) {
	case int:
		return int64(x)
	case int64:
		return x
	case uint64:
		return float64(x)
	case float64:
		if x == math.Trunc(x) && math.Abs(x) < 1<<53 {
			return int64(x)
		}
		return x
	}
	return nil
}

// any is n as encoding/json would have it, with whole numbers as int64.
func (f *filler) any(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		content := f.fields(n)
		m := make(map[string]any, len(content)/2)
		for i := 0; i+1 < len(content); i += 2 {
			var x any
			f.fieldValue(content[i].Value, content[i+1], reflect.ValueOf(&x).Elem(), setAny)
			m[content[i].Value] = x
		}
		return m
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, c := range n.Content {
			f.itemValue(i, c, reflect.ValueOf(&list[i]).Elem(), setAny)
		}
		return list
	}
	switch scalarType(n) {
	case boolean:
		return isTrue(n)
	case number:
		if x := numberOf(n); x != nil {
			return x
		}
	}
	return n.Value
}

// setByJSON is the setter of types that read themselves from JSON: times above all.
func setByJSON(f *filler, n *yaml.Node, v reflect.Value) {
	data, err := json.Marshal(f.any(n))
	if err == nil {
		err = v.Addr().Interface().(json.Unmarshaler).UnmarshalJSON(data)
	}
	if err != nil {
		f.wrong(n, "a "+strings.ToLower(v.Type().Name()))
	}
}

// structField is a field of a struct, perhaps one of a struct embedded in it.
type structField struct {
	index []int
	set   func() setter
}

func structSetter(t reflect.Type) setter {
	fields := sync.OnceValue(func() map[string]structField { return structFields(t, nil) })
	return func(f *filler, n *yaml.Node, v reflect.Value) {
		if n.Kind != yaml.MappingNode {
			f.wrong(n, "a mapping")
			return
		}
		content := f.fields(n)
		known := fields()
		for i := 0; i+1 < len(content); i += 2 {
			field, ok := known[content[i].Value]
			if !ok {
				continue
			}
			if set := field.set(); set != nil {
				f.fieldValue(content[i].Value, content[i+1], v.FieldByIndex(field.index), set)
			}
		}
	}
}

// structFields is the fields of t by their names in JSON.
func structFields(t reflect.Type, index []int) map[string]structField {
	fields := map[string]structField{}
	for i := range t.NumField() {
		field := t.Field(i)
		at := append(append([]int{}, index...), i)
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case name == "-" || !field.IsExported():
		case name == "" && field.Anonymous:
			for name, inner := range structFields(field.Type, at) {
				if _, outer := fields[name]; !outer {
					fields[name] = inner
				}
			}
		case name == "":
			fields[field.Name] = structField{at, lazySetter(field.Type)}
		default:
			fields[name] = structField{at, lazySetter(field.Type)}
		}
	}
	return fields
}

// lazySetter finds the setter of t when it is first needed: types may contain themselves.
func lazySetter(t reflect.Type) func() setter {
	return sync.OnceValue(func() setter { return setterFor(t) })
}

var setters sync.Map // reflect.Type to setter

// setterFor is setterOf, remembered.
func setterFor(t reflect.Type) setter {
	if s, ok := setters.Load(t); ok {
		return s.(setter)
	}
	s, _ := setters.LoadOrStore(t, setterOf(t))
	return s.(setter)
}
